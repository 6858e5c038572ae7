import { estimate } from "../evaluation/likelihood.ts";
import { chartWidth, draw } from "./charts.ts";
import { formatNumber, formatWithError } from "./numbers.ts";
import type { GapFigure } from "./report-input.ts";
import { counted, type Figure, panel } from "./section.ts";
import type { PictureFile } from "./svg-file.ts";

const AMORTIZATION = "amortization: encoder to own posterior";
const APPROXIMATION = "approximation: own posterior to log p(x)";

/** log p(x) − ELBO of each example as a bar of two parts, the largest first. */
export function gapsPicture({ amortization, approximation, split }: GapFigure): PictureFile {
  const order = Array.from(amortization.keys()).sort(
    (a, b) => amortization[b] + approximation[b] - amortization[a] - approximation[a],
  );
  // A gap that the draws make negative has no bar: the two would lie on each other.
  const values = order.flatMap((row, place) => {
    const [lower, upper] = [Math.max(0, approximation[row]), Math.max(0, amortization[row])];
    return [
      { place, from: 0, to: lower, part: APPROXIMATION },
      { place, from: lower, to: lower + upper, part: AMORTIZATION },
    ].map((bar) => ({ ...bar, left: place, right: place + 1 }));
  });
  const means = meansOf({ amortization, approximation });
  return {
    caption: `Stacked bars of log p(x) − ELBO of ${counted(order.length, "example")} of the ${split}, the largest first; ${means}.`,
    spec: {
      width: chartWidth,
      height: 220,
      data: { values },
      mark: { type: "rect" },
      encoding: {
        x: {
          field: "left",
          type: "quantitative",
          title: "example, by its gap",
          scale: { domain: [0, order.length], nice: false },
          axis: { grid: false, tickMinStep: 1, tickCount: 5 },
        },
        x2: { field: "right" },
        y: { field: "from", type: "quantitative", title: "nats", axis: { tickCount: 5 } },
        y2: { field: "to" },
        color: {
          field: "part",
          type: "nominal",
          scale: { domain: [AMORTIZATION, APPROXIMATION], range: ["var(--validation)", "var(--training)"] },
          legend: { title: null, orient: "top", direction: "vertical" },
        },
      },
    },
  };
}

function meansOf({ amortization, approximation }: Pick<GapFigure, "amortization" | "approximation">): string {
  const told = (values: readonly number[]): string => {
    const { value, error } = estimate(Float64Array.from(values));
    return formatWithError(value, Number.isNaN(error) ? undefined : error);
  };
  return `on average ${told(amortization)} nats of amortization and ${told(approximation)} of approximation`;
}

/** The gaps in the page, with what they say. */
export async function gapsFigure(gaps: GapFigure): Promise<Figure> {
  const { amortization, approximation, by, steps, samples, split } = gaps;
  const { caption: alt, spec } = gapsPicture(gaps);
  const below = [...amortization, ...approximation].filter((value) => value < 0);
  const caption =
    `log p(x) − ELBO of ${counted(amortization.length, "example")} of the ${split} in two parts: ${meansOf(gaps)}. The first is what a posterior of the example's own, ` +
    `found by ${steps} steps of ascent on ${samples} draws and judged on fresh ones, has over the encoder's: a larger encoder can win it. The second is what no posterior ` +
    `of this family wins: another family can. log p(x) by ${by}, a lower bound, so the second is at least so large.` +
    (below.length > 0
      ? ` ${counted(below.length, "part")} below 0, down to ${formatNumber(below.reduce((a, b) => Math.min(a, b)))}, ${below.length === 1 ? "is" : "are"} noise of the draws and not drawn.`
      : "");
  return { body: panel("Gap of the bound", "nats, by example", await draw(spec, alt)), caption };
}
