import type { Tensor } from "../tensor/index.ts";
import { discretizedLogistic } from "./discretized-logistic.ts";
import { type Distribution, meanOf } from "./distribution.ts";
import { independent } from "./independent.ts";
import { mixture } from "./mixture.ts";

export interface LogisticMixture extends Distribution {
  readonly name: "LogisticMixture";
  readonly mean: Tensor;
  readonly parameters: { readonly logits: Tensor; readonly location: Tensor; readonly scale: Tensor };
}

/**
 * Every number of the event is one of 0…255 by a mixture of discretised logistics of its own: logits, locations and scales (in grey
 * levels) [..., C], x of the shape without C. Salimans et al. 2017 (PixelCNN++), eq. 2, without the conditioning among channels.
 */
export function logisticMixture(logits: Tensor, location: Tensor, scale: Tensor, eventRank = 1): LogisticMixture {
  const each = mixture(logits, discretizedLogistic(location, scale, 0));
  const whole = independent(each, eventRank);
  return { ...whole, name: "LogisticMixture", mean: meanOf(whole), parameters: { logits, location, scale } };
}
