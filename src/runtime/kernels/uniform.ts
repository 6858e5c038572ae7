import { rotate } from "./lanes";

/**
 * Rows of U[0, 1) by xoshiro128**, four streams at a time, one a lane: the bits of `uniform()` in src/random/stream.ts.
 * `states` holds 16 words for every four rows: the four first words, the four second, …; it is left as it was.
 */
export function fillUniform(states: usize, out: usize, rows: usize, size: usize): void {
  const scale = f32x4.splat(<f32>(1.0 / 16777216.0)); // 2⁻²⁴
  const stride = size << 2;
  for (let row: usize = 0; row < rows; row += 4) {
    let s0 = v128.load(states);
    let s1 = v128.load(states, 16);
    let s2 = v128.load(states, 32);
    let s3 = v128.load(states, 48);
    states += 64;
    const left = rows - row;
    const end = out + stride;
    for (let at = out; at < end; at += 4) {
      const word = i32x4.mul(rotate(i32x4.mul(s1, i32x4.splat(5)), 7), i32x4.splat(9));
      const shifted = i32x4.shl(s1, 9);
      s2 = v128.xor(s2, s0);
      s3 = v128.xor(s3, s1);
      s1 = v128.xor(s1, s2);
      s0 = v128.xor(s0, s3);
      s2 = v128.xor(s2, shifted);
      s3 = rotate(s3, 11);
      const value = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), scale);
      v128.store_lane<f32>(at, value, 0);
      if (left > 1) v128.store_lane<f32>(at + stride, value, 1);
      if (left > 2) v128.store_lane<f32>(at + 2 * stride, value, 2);
      if (left > 3) v128.store_lane<f32>(at + 3 * stride, value, 3);
    }
    out += 4 * stride;
  }
}
