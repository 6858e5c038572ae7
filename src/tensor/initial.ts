/** How a parameter or a state starts. What is to be drawn, not the drawing: `random/initial.ts` does that. */
export type Initial =
  | { readonly law: "constant"; readonly value: number }
  /** N(mean, scale²); the mean is 0 unless given. */
  | { readonly law: "normal"; readonly mean?: number; readonly scale: number }
  /** U[low, high) */
  | { readonly law: "uniform"; readonly low: number; readonly high: number }
  /** N(0, scale²) given |x| ≤ 2·scale, so the standard deviation is 0.8796·scale. */
  | { readonly law: "truncatedNormal"; readonly scale: number }
  /** Row by row, as many as the shape has elements. */
  | { readonly law: "values"; readonly values: Float32Array | readonly number[] };
