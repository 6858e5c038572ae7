import { flush, load, splat, store } from "./lanes";

/** One step of torch.optim.SGD with dampening 0. Without momentum `velocity` is not touched. */
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
): void {
  const rate = splat(learningRate);
  const decay = splat(weightDecay);
  const scale = splat(gradScale);
  const inertia = splat(momentum);
  const bytes = count << 2;
  const whole = bytes & ~15;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    step<v128>(param, grad, velocity, at, rate, inertia, momentum != 0, nesterov, decay, scale);
  }
  for (; at < bytes; at += 4) {
    step<f32>(param, grad, velocity, at, rate, inertia, momentum != 0, nesterov, decay, scale);
  }
}

/**
 * d = scale·g + decay·p; u ← momentum·u + d; p ← p − rate·(u, or d + momentum·u by Nesterov, or d without momentum).
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
): void {
  const p = load<T>(param + at);
  let d = f32x4.add(f32x4.mul(scale, load<T>(grad + at)), f32x4.mul(decay, p));
  if (moving) {
    const u = flush(f32x4.add(f32x4.mul(inertia, load<T>(velocity + at)), d));
    store<T>(velocity + at, u);
    d = nesterov ? f32x4.add(d, f32x4.mul(inertia, u)) : u;
  }
  store<T>(param + at, f32x4.sub(p, f32x4.mul(rate, d)));
}
