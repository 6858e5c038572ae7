import { type Normal, normal } from "../distributions/normal.ts";
import type { LinearGaussianParameters } from "../models/linear-gaussian-program.ts";
import { add, matmul, reshape, sqrt, type Tensor } from "../tensor/index.ts";

/** z ↦ N(Wz + μ, ηI) where every draw has W [draws, d, k], μ [draws, d] and η [draws, 1] (or one η) of its own; z [..., draws, k]. */
export function copiedDecoder({ weight, mean, variance }: LinearGaussianParameters): (z: Tensor) => Normal {
  return (z) => {
    const columns = matmul(weight, reshape(z, [...z.shape, 1])); // [..., draws, d, 1]
    return normal(add(reshape(columns, columns.shape.slice(0, -1)), mean), sqrt(variance));
  };
}
