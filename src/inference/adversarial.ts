import {
  add,
  div,
  mean,
  mul,
  neg,
  reshape,
  scope,
  softplus,
  square,
  step,
  sub,
  sum,
  type Tensor,
} from "../tensor/index.ts";

/**
 * What a discriminator D = σ(logit) of draws of the prior against codes says, pair by pair, in nats: [..., batch]. The means over the batch are
 * the losses; which parameters each may move, a phase says. Makhzani et al. 2016, §2.
 */
export interface AdversarialTerms {
  /**
   * −log D(p) − log(1 − D(z)), the discriminator's loss: 2 log 2 by guessing, and 2 log 2 − 2 JS at best, JS the
   * Jensen–Shannon divergence. Goodfellow et al. 2014, eq. 1 and theorem 1.
   */
  readonly discriminator: Tensor;
  /** −log D(z), the encoder's loss, whose gradient does not vanish where D tells all codes. Goodfellow et al. 2014, §3. */
  readonly generator: Tensor;
  /** The share of the two that D is right about; a logit of 0 counts as wrong for the prior. */
  readonly accuracy: Tensor;
}

/** The terms for logits of codes and of draws of the prior, [..., batch] each; of any size, as −log σ(l) = softplus(−l). */
export function adversarialTerms(codes: Tensor, prior: Tensor): AdversarialTerms {
  return scope("adversarial", () => ({
    discriminator: add(softplus(neg(prior)), softplus(codes)),
    generator: softplus(neg(codes)),
    accuracy: mul(0.5, add(step(prior), sub(1, step(codes)))),
  }));
}

/**
 * ‖z_i − z̄‖² over the mean of ‖p_j − p̄‖²: [..., batch], whose mean is the variance of the codes in units of the prior's. Codes and draws
 * [..., batch, k]; 1 for codes that spread as the prior does, 0 for codes that are one point.
 */
export function codeSpread(codes: Tensor, prior: Tensor): Tensor {
  const apart = (rows: Tensor): Tensor => {
    const centre = mean(rows, -2); // [..., k]
    return sum(square(sub(rows, reshape(centre, [...centre.shape.slice(0, -1), 1, ...centre.shape.slice(-1)]))), -1);
  };
  const scale = mean(apart(prior), -1); // [..., batch] → [...]
  return scope("spread", () => div(apart(codes), reshape(scale, [...scale.shape, 1])));
}

/** What an epoch's line of metrics says of the game: the means of the terms above. */
export interface AdversarialEpoch {
  readonly epoch: number;
  readonly accuracy: number;
  readonly generator: number;
  /** The mean of `codeSpread`. */
  readonly spread: number;
}

/** So many epochs in a row make a state of the game; at the start D is always ahead for a few. */
const LASTING = 5;
/** D that is right so often gives the encoder a gradient of nearly one direction. */
const TELLS_ALL = 0.95;
/** −log D(z) from which on D(z) is below e⁻⁵, less than 1 %. */
const LOST = 5;
/** Codes of so small a share of the prior's variance are one point, or nearly. */
const ONE_POINT = 0.01;
/** Codes spread so many times more or less than the prior do not follow it, whatever D says; one that is right less often than this lags behind. */
const UNLIKE = 4;
const LAGS = 0.7;

/**
 * What is wrong with adversarial training, in one line, or nothing. Codes that have become one point or spread unlike the prior, a
 * discriminator that tells them all, an encoder whose loss grows without end: judged by the last epochs, so that a game that has recovered is well.
 * Missing modes leave no trace in these terms: `modesFound` counts them.
 */
export function adversarialTrouble(history: readonly AdversarialEpoch[]): string | undefined {
  const stray = history.find((at) => ![at.accuracy, at.generator, at.spread].every(Number.isFinite));
  if (stray) return `adversarial training diverged in epoch ${stray.epoch}: a term is not finite; ${SLOWER}`;
  const collapsed = since(history, ({ spread }) => spread < ONE_POINT);
  if (collapsed && collapsed.epochs >= 2) {
    const { spread } = collapsed.last;
    return `adversarial training has collapsed: since epoch ${collapsed.epoch} the codes have ${percent(spread)} of the prior's variance, so the code says next to nothing of x; raise the weight of the reconstruction, or lower the encoder's adversarial learning rate`;
  }
  const lost = since(history, ({ generator }) => generator > LOST);
  if (lost && lost.epochs >= LASTING && lost.last.generator > lost.first.generator) {
    return `adversarial training diverges: since epoch ${lost.epoch} the encoder's adversarial loss has grown from ${lost.first.generator.toFixed(1)} to ${lost.last.generator.toFixed(1)} nats (0.7 where codes look like the prior); ${SLOWER}`;
  }
  const told = since(history, ({ accuracy }) => accuracy > TELLS_ALL);
  if (told && told.epochs >= LASTING) {
    return `the discriminator wins: since epoch ${told.epoch} it tells codes from draws of the prior more than ${percent(TELLS_ALL)} of the time, so the codes do not follow the prior; ${SLOWER}`;
  }
  const unlike = since(history, ({ spread }) => spread > UNLIKE || spread < 1 / UNLIKE);
  if (unlike && unlike.epochs >= LASTING) {
    const { spread, accuracy } = unlike.last;
    const remedy =
      accuracy < LAGS
        ? "raise the discriminator's learning rate against the encoder's, or its widths"
        : "raise the encoder's adversarial learning rate";
    return `the codes do not follow the prior: since epoch ${unlike.epoch} they spread unlike it, now with ${spread.toPrecision(2)} times its variance, and the discriminator tells them ${percent(accuracy)} of the time; ${remedy}`;
  }
  return undefined;
}

const SLOWER = "lower the discriminator's learning rate, or give it fewer steps to the encoder's one";

/** The last epochs in a row of which something is so. */
function since(
  history: readonly AdversarialEpoch[],
  isSo: (at: AdversarialEpoch) => boolean,
):
  | {
      readonly epoch: number;
      readonly epochs: number;
      readonly first: AdversarialEpoch;
      readonly last: AdversarialEpoch;
    }
  | undefined {
  const start = history.findLastIndex((at) => !isSo(at)) + 1;
  const [first, last] = [history.at(start), history.at(-1)];
  return first && last && { epoch: first.epoch, epochs: history.length - start, first, last };
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
