import { comparePaired, type PairedComparison } from "./paired.ts";

/** One of several models that were scored on the same examples. */
export interface Scored {
  /** What the stamp calls it. */
  readonly name: string;
  /** As a run names it: "Bernoulli, stochastic binarisation"; undefined of a model without a density. */
  readonly likelihood?: string;
  /** What the density is of, as a run knows it: "stochastic binarisation". */
  readonly observation?: string;
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

/**
 * The models that have a density, in groups whose numbers can be told better from worse: a probability of zeros and ones, one of bytes and
 * a density of real numbers are different things. The largest group first, else the order that is given. `examples` says which they are.
 */
export function comparable<M extends Scored>(models: readonly M[], examples: string): readonly ComparableModels<M>[] {
  const groups = new Map<string, M[]>();
  for (const model of models) {
    const { observation, logLikelihoods } = model;
    if (observation === undefined || !logLikelihoods) continue;
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
