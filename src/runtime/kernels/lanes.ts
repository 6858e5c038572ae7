// One formula serves four floats at a time (T = v128) and the tail one by one (T = f32, in lane 0, zeros beside it).
// So an element's bits do not depend on its place in the range.

@inline
export function load<T>(pointer: usize): v128 {
  return isVector<T>() ? v128.load(pointer) : v128.load_zero<f32>(pointer);
}

@inline
export function store<T>(pointer: usize, value: v128): void {
  if (isVector<T>()) v128.store(pointer, value);
  else v128.store_lane<f32>(pointer, value, 0);
}

@inline
export function splat(value: f64): v128 {
  return f32x4.splat(<f32>value);
}

/**
 * (x + 1e-20) − 1e-20 rounds to a multiple of 2⁻⁹⁰ = 8e-28: a decaying average comes to rest a few multiples from 0 and never
 * gets to the denormals, which would slow every later step.
 */
@inline
export function flush(value: v128): v128 {
  const tiny = f32x4.splat(1e-20);
  return f32x4.sub(f32x4.add(value, tiny), tiny);
}

/** Every word's bits moved up by `bits`, those that fall out coming in below. */
@inline
export function rotate(words: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(words, bits), i32x4.shr_u(words, 32 - bits));
}
