import type { Watched } from "../trained/trained-model.ts";
import { createMeter, type Meter } from "./progress.ts";

/** Standard error: lines that come at any time, as a Ctrl-C's does, above the live line of the work that is under way. */
export interface Stage {
  say(line: string): void;
  /** A live line for work that tells how far it has come, once it lasts and until it is done. It takes the place of the one before. */
  watch(label: string, unit: string, signal: AbortSignal): Watched;
  /** Lets a live line of another kind stand there: `log` writes above it. */
  lend(log: (line: string) => void): void;
  /** Takes the live line away. */
  clear(): void;
}

export function createStage(): Stage {
  const plain = (line: string): void => void process.stderr.write(`${line}\n`);
  let above = plain;
  let meter: Meter | undefined;
  const clear = (): void => {
    meter?.finish();
    meter = undefined;
    above = plain;
  };
  return {
    say: (line) => above(line),
    watch: (label, unit, signal) => {
      clear();
      return {
        signal,
        onProgress: (done, total) => {
          meter ??= createMeter({ stream: process.stderr, label, total, unit });
          above = meter.log;
          meter.update(done);
          if (done >= total) clear();
        },
      };
    },
    lend: (log) => {
      clear();
      above = log;
    },
    clear,
  };
}
