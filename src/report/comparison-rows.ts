import { type ComparableModels, comparable } from "../evaluation/comparison.ts";
import type { PairedComparison } from "../evaluation/paired.ts";
import { DEQUANTISED } from "../models/names.ts";
import type { ComparedModel, ComparisonInput } from "./comparison-input.ts";
import { formatNumber, formatWithError } from "./numbers.ts";

/** The table of a comparison as text: a row for each quantity, a column for each model. */
export interface ComparisonTable {
  /** Models whose log p(x) can be told better from worse stand together. */
  readonly groups: readonly {
    /** What their log p(x) is of; undefined of models without a density. */
    readonly of?: string;
    readonly names: readonly string[];
  }[];
  readonly rows: readonly ComparisonRow[];
  /** By their number, from 1. */
  readonly footnotes: readonly string[];
  /** Why numbers of two groups stand apart; undefined where there is one. */
  readonly apart?: string;
}

export interface ComparisonRow {
  readonly heading: string;
  /** Text is aligned to the left, numbers to the right. */
  readonly kind: "text" | "number";
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly text: string;
  /** The number of a footnote. */
  readonly note?: number;
}

/** A model in its place, with what it is compared with. */
interface Placed {
  readonly model: ComparedModel;
  readonly difference?: PairedComparison;
  /** The first of its group. */
  readonly first?: ComparedModel;
}

const DASH = "–";
const NO_DENSITY = "has no density p(x)";
const NO_POSTERIOR = "has no posterior q(z|x), so no rate";

/** The models of a comparison in the order of its table: those that can be compared together, and those without a density last. */
export function comparisonTable({ models, examples }: Pick<ComparisonInput, "models" | "examples">): ComparisonTable {
  const groups = comparable(models, examples);
  const others = models.filter(({ logLikelihoods }) => logLikelihoods === undefined);
  const placed: readonly Placed[] = [...groups.flatMap(placedIn), ...others.map((model) => ({ model }))];
  const notes: string[] = [];
  const noted = (text: string): number => {
    if (!notes.includes(text)) notes.push(text);
    return notes.indexOf(text) + 1;
  };
  const row = (kind: ComparisonRow["kind"], heading: string, of: (one: Placed) => Cell): ComparisonRow => ({
    heading,
    kind,
    cells: placed.map(of),
  });
  const dash = (why: string): Cell => ({ text: DASH, note: noted(why) });
  const text = (heading: string, of: (model: ComparedModel) => string | undefined): ComparisonRow =>
    row("text", heading, ({ model }) => ({ text: of(model) ?? DASH }));
  const number = (heading: string, why: (model: ComparedModel) => string, of: (one: Placed) => Cell | undefined) =>
    row("number", heading, (one) => of(one) ?? dash(why(one.model)));
  const rows = [
    text("model", ({ title }) => title),
    text("objective", ({ objective }) => objective),
    text("encoder", ({ encoder }) => encoder),
    text("decoder", ({ decoder }) => decoder),
    text("likelihood", ({ likelihood }) => likelihood),
    number(
      "log p(x), nats",
      () => NO_DENSITY,
      ({ model: { density } }) => density && { ...withError(density.mean), note: noted(density.stamp) },
    ),
    text("estimated by", ({ density }) => density?.estimator),
    number(
      "above the first, nats",
      ({ density }) => (density ? "is the only one, or there is one example" : NO_DENSITY),
      (one) => differenceCell(one, noted),
    ),
    number(
      "reconstruction error",
      () => "categories have no distance",
      ({ model: { rmse } }) => (rmse === undefined ? undefined : { text: formatNumber(rmse), note: noted(RMSE) }),
    ),
    number(
      "rate, nats",
      () => NO_POSTERIOR,
      ({ model: { rate } }) => rate && { ...withError(rate), note: noted(rate.by) },
    ),
    number(
      "codes to prior",
      ({ lacks }) => lacks?.distance ?? "has no prior p(z)",
      ({ model: { distance } }) => distance && { ...withError(distance), note: noted(ENERGY) },
    ),
    ...(models.some(({ modes }) => modes)
      ? [
          number(
            "modes found",
            () => "has no prior of several modes",
            ({ model: { modes } }) =>
              modes && { text: `${modes.found} of ${modes.components}`, note: noted(modes.stamp) },
          ),
        ]
      : []),
    ...(["nearest", "linear"] as const).map((how) =>
      number(
        how === "nearest" ? "nearest neighbours, %" : "linear probe, %",
        ({ lacks }) => lacks?.accuracy ?? "the data have no classes",
        ({ model: { accuracy } }) =>
          accuracy && {
            text: formatWithError(100 * accuracy[how].value, 100 * accuracy[how].error),
            note: noted(`class of a code; ${accuracy.stamp}; guessing ${formatNumber(100 * accuracy.chance, 1)} %`),
          },
      ),
    ),
    number(
      "latents",
      () => "",
      ({ model: { latents } }) => ({ text: formatNumber(latents, 0) }),
    ),
    number(
      "parameters",
      () => "",
      ({ model: { parameters } }) => ({ text: formatNumber(parameters, 0) }),
    ),
    number(
      "seconds per epoch",
      () => "metrics.jsonl does not tell it",
      ({ model: { secondsPerEpoch } }) =>
        secondsPerEpoch === undefined
          ? undefined
          : { text: formatNumber(Number(secondsPerEpoch.toPrecision(3))), note: noted(EPOCH) },
    ),
  ];
  return {
    groups: [
      ...groups.map(({ observation, models: members }) => ({
        of: observation,
        names: members.map(({ name }) => name),
      })),
      ...(others.length > 0 ? [{ names: others.map(({ name }) => name) }] : []),
    ],
    rows,
    footnotes: notes,
    apart: apartWords(groups),
  };
}

const RMSE = "root mean square of x − x̂ per number, in the data's own units, x̂ the decoded code of x";
const ENERGY =
  "energy distance 2E‖z − z′‖ − E‖z − z″‖ − … of codes z ~ q(z|x), or points f(x), to draws of p(z); 0 where both are one law, without bias, so at times below 0; it grows with the number of latents";
const EPOCH = "the middle one of the run's epochs, validation included, on the machine and threads that it had";

function placedIn({ models, differences }: ComparableModels<ComparedModel>): readonly Placed[] {
  return models.map((model, i) => ({ model, difference: differences[i], first: models[0] }));
}

function withError({ value, error }: { readonly value: number; readonly error: number }): Cell {
  return { text: formatWithError(value, Number.isNaN(error) ? undefined : error) };
}

function differenceCell({ model, difference, first }: Placed, noted: (text: string) => number): Cell | undefined {
  if (first === undefined) return undefined;
  if (difference === undefined)
    return model === first ? { text: "0", note: noted("the first of its group") } : undefined;
  const { value, error } = difference.difference;
  const sign = value > 0 ? "+" : "";
  const how = `mean of log p(x) less that of ${first.name}, paired over ${difference.examples.toLocaleString("en-US")} examples, ± its standard error`;
  return { text: `${sign}${formatWithError(value, error)}`, note: noted(how) };
}

function apartWords(groups: readonly ComparableModels<ComparedModel>[]): string | undefined {
  if (groups.length < 2) return undefined;
  const of = groups.map(({ observation }) => observation);
  const bound = of.includes(DEQUANTISED) ? "; E log p(x + u), u uniform, is a lower bound of log P(x) alone" : "";
  return `log p(x) of ${of.slice(0, -1).join(", of ")} and of ${of.at(-1)} are of different things, so models are told better from worse only among those of one${bound}.`;
}
