import { add, div, log, mul, square, sub, type Tensor } from "../tensor/index.ts";
import { type Pair, pair } from "./kl-pair.ts";
import { isNormal, type Normal } from "./normal.ts";

/** KL(N(μ, σ²) ‖ N(m, s²)) = log s − log σ + ½((σ/s)² + ((μ − m)/s)² − 1). Kingma & Welling 2014, appendix B. */
function normals(q: Normal, p: Normal): Tensor {
  const ratio = square(div(q.parameters.scale, p.parameters.scale));
  const distance = square(div(sub(q.parameters.mean, p.parameters.mean), p.parameters.scale));
  const logs = sub(log(p.parameters.scale), log(q.parameters.scale));
  return add(logs, mul(0.5, sub(add(ratio, distance), 1)));
}

/** Pairs of continuous families. */
export const continuousPairs: readonly Pair[] = [pair(isNormal, isNormal, normals)];
