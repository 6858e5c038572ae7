import { flush, load, splat, store } from "./lanes";

/**
 * One step of torch.optim.Adam, of AdamW where weightDecay > 0.
 * bias1 = 1 − beta1ᵗ and bias2 = 1 − beta2ᵗ at step t = 1, 2, …
 */
export function adam(
  param: usize,
  grad: usize,
  m: usize,
  v: usize,
  count: usize,
  learningRate: f64,
  beta1: f64,
  beta2: f64,
  epsilon: f64,
  bias1: f64,
  bias2: f64,
  weightDecay: f64,
  gradScale: f64,
): void {
  const scale = splat(gradScale);
  const keep = splat(1 - learningRate * weightDecay);
  const fresh1 = splat(1 - beta1);
  const fresh2 = splat(1 - beta2);
  const correction = splat(1 / Math.sqrt(bias2));
  const eps = splat(epsilon);
  const rate = splat(learningRate / bias1);
  const bytes = count << 2;
  const whole = bytes & ~15;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    step<v128>(param + at, grad + at, m + at, v + at, scale, keep, fresh1, fresh2, correction, eps, rate);
  }
  for (; at < bytes; at += 4) {
    step<f32>(param + at, grad + at, m + at, v + at, scale, keep, fresh1, fresh2, correction, eps, rate);
  }
}

/**
 * m ← m + (1 − β₁)(ĝ − m); v ← v + (1 − β₂)(ĝ² − v), ĝ = scale·g: the same averages as β₁m + (1 − β₁)ĝ, rounded less;
 * p ← p·(1 − lr·wd) − lr/bias₁ · m / (√v/√bias₂ + ε).
 */
@inline
function step<T>(
  param: usize,
  grad: usize,
  m: usize,
  v: usize,
  scale: v128,
  keep: v128,
  fresh1: v128,
  fresh2: v128,
  correction: v128,
  eps: v128,
  rate: v128,
): void {
  const scaled = f32x4.mul(scale, load<T>(grad));
  let mean = load<T>(m);
  mean = flush(f32x4.add(mean, f32x4.mul(fresh1, f32x4.sub(scaled, mean))));
  let square = load<T>(v);
  square = flush(f32x4.add(square, f32x4.mul(fresh2, f32x4.sub(f32x4.mul(scaled, scaled), square))));
  const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(square), correction), eps);
  store<T>(m, mean);
  store<T>(v, square);
  store<T>(param, f32x4.sub(f32x4.mul(load<T>(param), keep), f32x4.mul(rate, f32x4.div(mean, denominator))));
}
