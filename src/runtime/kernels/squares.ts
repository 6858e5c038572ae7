import { load } from "./lanes";

/** Σ x², summed in float64. A float32 squared is exact in it and cannot overflow. */
export function sumSquares(pointer: usize, count: usize): f64 {
  const bytes = count << 2;
  const whole = bytes & ~31;
  // Four sums, so that no addition waits for the one before.
  let a = f64x2.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let at = pointer;
  for (const end = pointer + whole; at < end; at += 32) {
    a = f64x2.add(a, squares(v128.load_zero<f64>(at)));
    b = f64x2.add(b, squares(v128.load_zero<f64>(at, 8)));
    c = f64x2.add(c, squares(v128.load_zero<f64>(at, 16)));
    d = f64x2.add(d, squares(v128.load_zero<f64>(at, 24)));
  }
  for (const end = pointer + bytes; at < end; at += 4) a = f64x2.add(a, squares(load<f32>(at)));
  const sums = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

/** The squares of the lower two floats. */
@inline
function squares(value: v128): v128 {
  const wide = f64x2.promote_low_f32x4(value);
  return f64x2.mul(wide, wide);
}
