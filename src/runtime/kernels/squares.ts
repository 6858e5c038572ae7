import { addSquares, load, total } from "./lanes";

/** Σ x², summed in float64. */
export function sumSquares(pointer: usize, count: usize): f64 {
  const bytes = count << 2;
  const whole = bytes & ~15;
  let sums = f64x2.splat(0);
  let at: usize = 0;
  for (; at < whole; at += 16) sums = addSquares(sums, load<v128>(pointer + at));
  for (; at < bytes; at += 4) sums = addSquares(sums, load<f32>(pointer + at));
  return total(sums);
}
