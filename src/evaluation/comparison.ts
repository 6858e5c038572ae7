import { comparePaired, type PairedComparison } from "./paired.ts";

/** One of several models that were scored on the same examples. */
export interface Scored {
  /** What the stamp calls it. */
  readonly name: string;
  /** As a run names it: "Bernoulli, stochastic binarisation"; undefined of a model without a density. */
  readonly likelihood?: string;
  /** log p(x) of each example in nats, [n]. */
  readonly logLikelihoods?: ArrayLike<number>;
}

/** Models whose log p(x) are of one thing. */
export interface ComparableModels<M> {
  /** What is modelled of the data: "stochastic binarisation". */
  readonly observation: string;
  readonly models: readonly M[];
  /** How much better each is than the first, on the same examples; undefined of the first, and of one example alone. */
  readonly differences: readonly (PairedComparison | undefined)[];
}

const observations = ["data as they are", "binarised at one half", "stochastic binarisation", "uniform dequantisation"];

/** What is modelled of the data, as the likelihood's name tells it; on data of one measure it says what log p(x) is a density of. */
export function observationOf(likelihood: string | undefined): string {
  const parts = likelihood?.split(", ") ?? [];
  const known = parts.findIndex((part) => observations.includes(part)); // a density's own name may hold a comma
  return parts.slice(known < 0 ? 1 : known).join(", ") || "data as they are";
}

/**
 * The models that have a density, in groups whose numbers can be told better from worse: a probability of zeros and ones, one of bytes and
 * a density of real numbers are different things. The largest group first, else the order that is given. `examples` says which they are.
 */
export function comparable<M extends Scored>(models: readonly M[], examples: string): readonly ComparableModels<M>[] {
  const groups = new Map<string, M[]>();
  for (const model of models) {
    if (!model.logLikelihoods) continue;
    const observation = observationOf(model.likelihood);
    groups.set(observation, [...(groups.get(observation) ?? []), model]);
  }
  return Array.from(groups, ([observation, members]) => ({
    observation,
    models: members,
    differences: members.map((model) => differenceOf(model, members[0], `${examples}, ${observation}`)),
  })).sort((a, b) => b.models.length - a.models.length);
}

function differenceOf(model: Scored, first: Scored, examples: string): PairedComparison | undefined {
  const [values, against] = [model.logLikelihoods ?? [], first.logLikelihoods ?? []];
  if (model === first || values.length < 2) return undefined;
  return comparePaired({ name: model.name, examples, values }, { name: first.name, examples, values: against });
}
