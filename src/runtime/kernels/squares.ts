import { load } from "./lanes";

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

/** Adds the four squares to the two float64 sums. A float32 squared is exact in float64 and cannot overflow. */
@inline
function addSquares(sums: v128, value: v128): v128 {
  const low = f64x2.promote_low_f32x4(value);
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(value, value, 2, 3, 2, 3));
  return f64x2.add(sums, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
}

@inline
function total(sums: v128): f64 {
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}
