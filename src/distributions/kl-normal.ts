import { add, div, log, mul, square, sub, type Tensor } from "../tensor/index.ts";
import type { TensorLike } from "../tensor/leaves.ts";
import type { LogNormal } from "./log-normal.ts";
import type { Normal } from "./normal.ts";
import type { ProbitNormal } from "./probit-normal.ts";

/** KL(N(μ, σ²) ‖ N(m, s²)) = log s − log σ + ½((σ/s)² + ((μ − m)/s)² − 1). Kingma & Welling 2014, appendix B. */
export function ofNormals(mean: TensorLike, scale: TensorLike, ofMean: TensorLike, ofScale: TensorLike): Tensor {
  const ratio = square(div(scale, ofScale));
  const distance = square(div(sub(mean, ofMean), ofScale));
  const logs = sub(log(ofScale), log(scale));
  return add(logs, mul(0.5, sub(add(ratio, distance), 1)));
}

export function normals(q: Normal, p: Normal): Tensor {
  return ofNormals(q.parameters.mean, q.parameters.scale, p.parameters.mean, p.parameters.scale);
}

type Transformed = LogNormal | ProbitNormal;

/** eᵘ and Φ(u) are increasing in u and leave KL as it is: that of the Normals behind them. */
export function transformedNormals(q: Transformed, p: Transformed): Tensor {
  return ofNormals(q.parameters.location, q.parameters.scale, p.parameters.location, p.parameters.scale);
}
