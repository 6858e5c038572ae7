import type * as Ort from "onnxruntime-web";

export type EngineName = "native" | "wasm";

export interface EngineOptions {
  /** Which build of ONNX Runtime; by default the native one, and Wasm where it is missing. */
  readonly engine?: EngineName;
  /** Threads of one operator; 1 unless said otherwise. Part of what a repeated run must have equal. */
  readonly threads?: number;
  /**
   * In a browser: where the app serves `ort-wasm-simd-threaded.wasm` and `.mjs` of onnxruntime-web, as a bundler's `?url`
   * imports say. Left out, ONNX Runtime looks beside its own script, which a bundler may have moved; threads need it.
   */
  readonly wasmPaths?: { readonly wasm: string; readonly mjs: string };
}

/** An ONNX Runtime that is loaded, and how to use it. */
export interface Engine {
  readonly name: EngineName;
  readonly version: string;
  readonly threads: number;
  /** Why this is not the engine that one would expect, and what to do: one line for the user. */
  readonly notice?: string;
  readonly ort: Pick<typeof Ort, "InferenceSession" | "Tensor">;
  readonly sessionOptions: Ort.InferenceSession.SessionOptions;
  /** Whether outputs given as buffers are written there; else they are copied after the run. */
  readonly writesFetches: boolean;
}

/**
 * Settings for both builds. Threads must sleep between runs, or sessions that take turns wait for each other; within a run
 * they spin for as long as the next operator usually is away, as waking up takes longer than many an operator.
 */
export function sessionOptions(provider: string, threads: number): Ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: "1", spin_duration_us: "50" }, force_spinning_stop: "1" } },
  };
}
