import { readProgram } from "../onnx/read.ts";
import type { ProgramName } from "../run/facts.ts";
import type { RunFiles } from "../run/run-files.ts";
import { type CompiledFunction, load } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";

/** A run's programs, each read and compiled when it is first asked for. */
export interface Programs {
  has(name: ProgramName): Promise<boolean>;
  /** Undefined where the run has none. */
  get(name: ProgramName): Promise<CompiledFunction | undefined>;
  release(): Promise<void>;
}

/** One of a run's ONNX files, ready to run; undefined where the run has none of this name. `file` names it in errors. */
export async function openProgram(
  engine: Engine,
  file: string,
  bytes: Uint8Array | undefined,
): Promise<CompiledFunction | undefined> {
  return bytes && load(engine, readProgram(bytes, file), file);
}

export function openPrograms(engine: Engine, files: RunFiles): Programs {
  const opened = new Map<ProgramName, Promise<CompiledFunction | undefined>>();
  const open = async (name: ProgramName): Promise<CompiledFunction | undefined> => {
    const file = `${name}.onnx`;
    return openProgram(engine, `${files.name}/${file}`, await files.read(file));
  };
  return {
    has: async (name) => (await files.read(`${name}.onnx`)) !== undefined,
    get: (name) => {
      const known = opened.get(name) ?? open(name);
      opened.set(name, known);
      return known;
    },
    release: async () => {
      const settled = await Promise.allSettled(opened.values());
      opened.clear();
      for (const one of settled) if (one.status === "fulfilled") await one.value?.release();
    },
  };
}
