import { wasmBase64 } from "./kernels.generated.ts";

/** Where one contiguous range of parameters and its gradients lie: byte offsets into the memory, `count` float32 each. */
export interface UpdateRange {
  readonly param: number;
  readonly grad: number;
  readonly count: number;
}

export interface UpdateSettings {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Multiplies the gradient before anything else, as clipping does. */
  readonly gradScale: number;
}

export interface SgdSettings extends UpdateSettings {
  /** With 0 the velocity is neither read nor written. */
  readonly momentum: number;
  readonly nesterov: boolean;
}

export interface AdamSettings extends UpdateSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** 1 − beta1ᵗ at step t = 1, 2, … */
  readonly bias1: number;
  /** 1 − beta2ᵗ */
  readonly bias2: number;
}

/**
 * The fused optimizer updates, in place, in float32. An element's result does not depend on where its range begins or ends.
 * Ranges must lie in the memory and not overlap. Averages are rounded to multiples of 2⁻⁹⁰ = 8e-28 on the way, so that they
 * never decay into denormals, which would slow every later step.
 */
export interface Kernels {
  /**
   * Σ x² over `count` float32 at byte `pointer`: NaN or Infinity exactly when one of them is not finite. Squares are exact and
   * summed in float64 (relative error at most count · 2⁻⁵⁴), so none overflows. Called before an update, it keeps a gradient
   * that is not finite away from the parameters.
   */
  sumSquares(pointer: number, count: number): number;
  /** `rows` rows of `size` uniforms at byte `out`, from the streams whose states lie at byte `states`, four by four. */
  fillUniform(states: number, out: number, rows: number, size: number): void;
  /** torch.optim.SGD with dampening 0; `weightDecay` is added to the gradient. */
  sgd(range: UpdateRange & { readonly velocity: number }, settings: SgdSettings): void;
  /** torch.optim.AdamW, and Adam where `weightDecay` is 0. `m` and `v` are the averages of the gradient and of its square. */
  adam(range: UpdateRange & { readonly m: number; readonly v: number }, settings: AdamSettings): void;
}

type Kernel = (...numbers: readonly number[]) => number;

/** Instantiates the kernels on a memory that is not shared. The module is 1.6 kB: small enough for a browser's main thread. */
export function instantiateKernels(memory: WebAssembly.Memory): Kernels {
  const bytes = Uint8Array.from(atob(wasmBase64), (character) => character.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const kernel = (name: string): Kernel => {
    const made = exports[name];
    if (typeof made !== "function") throw new Error(`kernels: ${name} is missing; run \`npm run kernels\``);
    return (...numbers) => made(...numbers);
  };
  const sumSquares = kernel("sumSquares");
  const fillUniform = kernel("fillUniform");
  const sgd = kernel("sgd");
  const adam = kernel("adam");
  return {
    sumSquares: (pointer, count) => sumSquares(pointer, count),
    fillUniform: (states, out, rows, size) => void fillUniform(states, out, rows, size),
    sgd: ({ param, grad, velocity, count }, { learningRate, momentum, nesterov, weightDecay, gradScale }) =>
      sgd(param, grad, velocity, count, learningRate, momentum, Number(nesterov), weightDecay, gradScale),
    adam: (
      { param, grad, m, v, count },
      { learningRate, beta1, beta2, epsilon, bias1, bias2, weightDecay, gradScale },
    ) => adam(param, grad, m, v, count, learningRate, beta1, beta2, epsilon, bias1, bias2, weightDecay, gradScale),
  };
}
