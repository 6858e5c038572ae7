import { chartWidth, draw } from "./charts.ts";
import { formatNumber, formatWithError } from "./numbers.ts";
import type { RateSplitFigure } from "./report-input.ts";
import { counted, type Figure, panel } from "./section.ts";

/** The rate as one bar of its parts: I(x; z), the total correlation and what single latents differ from the prior. */
export async function rateSplitFigure({ split, ...of }: RateSplitFigure): Promise<Figure> {
  const { mutualInformation, totalCorrelation, dimensionWiseKl, marginalKl, codes, ceiling } = of;
  const parts =
    totalCorrelation && dimensionWiseKl
      ? [
          { name: "mutual information", ...mutualInformation, colour: "var(--training)" },
          { name: "total correlation", ...totalCorrelation, colour: "var(--validation)" },
          { name: "dimension-wise KL", ...dimensionWiseKl, colour: "var(--learning-rate)" },
        ]
      : [
          { name: "mutual information", ...mutualInformation, colour: "var(--training)" },
          { name: "marginal KL", ...marginalKl, colour: "var(--validation)" },
        ];
  let end = 0;
  // Parts that the draws make negative have no length.
  const bars = parts.map(({ name, value }, order) => {
    const from = end;
    end += Math.max(0, value);
    return { name, from, to: end, order };
  });
  const told = parts.map(({ name, value, error }) => `${name} ${formatWithError(value, error)}`);
  const near = mutualInformation.value > 0.9 * ceiling;
  const caption =
    `The mean rate of ${counted(codes, "code")} of the ${split}, KL(q(z|x) ‖ p(z)), in its parts, in nats: ${told.join(", ")}. Mutual information says which example it is; ` +
    "the rest is how all codes together differ from the prior, between the latents and in each of them: where they do, samples of the prior are unlike the data. " +
    `Of so many examples the first is at most log ${codes.toLocaleString("en-US")} = ${formatNumber(ceiling, 2)} nats` +
    (near ? ", which holds it down here: of more examples it would be larger and the rest smaller." : ".");
  const chart = await draw(
    {
      width: chartWidth,
      height: 120,
      data: { values: bars },
      mark: { type: "bar", height: 26 },
      encoding: {
        x: {
          field: "from",
          type: "quantitative",
          title: "nats",
          scale: { domain: [0, end > 0 ? end : 1], nice: false },
          axis: { grid: false, tickCount: 5 },
        },
        x2: { field: "to" },
        color: {
          field: "name",
          type: "nominal",
          scale: { domain: parts.map(({ name }) => name), range: parts.map(({ colour }) => colour) },
          legend: { title: null, orient: "top", direction: "vertical" },
        },
      },
    },
    `Bar of the rate in its parts, in nats: ${told.join(", ")}.`,
  );
  return { body: panel("Rate in its parts", `nats, ${formatNumber(end, 2)} in all`, chart), caption };
}
