import { readFileSync } from "node:fs";
import type { Engine } from "../runtime/engine.ts";
import { describeMachine } from "./machine.ts";

/** This package's version. */
export function reparamVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}

/** What must be equal for a run to repeat bit for bit, beside its options. */
export function environment(engine: Engine): { readonly [key: string]: string | number } {
  const { cpu, cpuFeatures } = describeMachine();
  return {
    reparam: reparamVersion(),
    engine: engine.name,
    onnxruntime: engine.version,
    threads: engine.threads,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu,
    cpuFeatures: cpuFeatures?.join(" ") ?? "unknown",
  };
}
