import { addSquares, flush, load, splat, store, total } from "./lanes";

/** One step of torch.optim.SGD with dampening 0; returns Σ gradient², unscaled. Without momentum `velocity` is not touched. */
export function sgd(
  param: usize,
  grad: usize,
  velocity: usize,
  count: usize,
  learningRate: f64,
  momentum: f64,
  nesterov: bool,
  weightDecay: f64,
  gradScale: f64,
): f64 {
  const rate = splat(learningRate);
  const decay = splat(weightDecay);
  const scale = splat(gradScale);
  const inertia = splat(momentum);
  const bytes = count << 2;
  const whole = bytes & ~15;
  let sums = f64x2.splat(0);
  let at: usize = 0;
  for (; at < whole; at += 16) {
    sums = addSquares(sums, step<v128>(param, grad, velocity, at, rate, inertia, momentum != 0, nesterov, decay, scale));
  }
  for (; at < bytes; at += 4) {
    sums = addSquares(sums, step<f32>(param, grad, velocity, at, rate, inertia, momentum != 0, nesterov, decay, scale));
  }
  return total(sums);
}

/**
 * d = scale·g + decay·p; u ← momentum·u + d; p ← p − rate·(u, or d + momentum·u by Nesterov, or d without momentum).
 * Returns g.
 */
@inline
function step<T>(
  param: usize,
  grad: usize,
  velocity: usize,
  at: usize,
  rate: v128,
  inertia: v128,
  moving: bool,
  nesterov: bool,
  decay: v128,
  scale: v128,
): v128 {
  const g = load<T>(grad + at);
  const p = load<T>(param + at);
  let d = f32x4.add(f32x4.mul(scale, g), f32x4.mul(decay, p));
  if (moving) {
    const u = flush(f32x4.add(f32x4.mul(inertia, load<T>(velocity + at)), d));
    store<T>(velocity + at, u);
    d = nesterov ? f32x4.add(d, f32x4.mul(inertia, u)) : u;
  }
  store<T>(param + at, f32x4.sub(p, f32x4.mul(rate, d)));
  return g;
}
