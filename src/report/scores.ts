import { ascending, mainRange, quantile } from "../evaluation/quantiles.ts";
import { type Bin, histogram } from "./bins.ts";
import { chartWidth, draw } from "./charts.ts";
import { type Html, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";
import type { ScoreFigure, ScoreThreshold, StrangeExamples } from "./report-input.ts";
import { counted, type Figure, panel, panels, type Section } from "./section.ts";
import { strangeExamples } from "./strange-examples.ts";

const BINS = 40;
/** The axis of counts is so much longer than the tallest bar, for the threshold's name to stand above all bars. */
const HEAD_ROOM = 1.14;

/** How log p(x) is spread over the examples, and the examples at both ends. */
export async function scoreSection(scores: ScoreFigure): Promise<Section | undefined> {
  const values = ascending(scores.values);
  if (values.length === 0) return undefined;
  const figures: Figure[] = [await distribution(scores, values)];
  const { strangest, likeliest } = scores;
  const parts = [
    await part("Strangest", "the lowest log p(x) first", strangest),
    await part("Likeliest", "the highest log p(x) first", likeliest),
  ].filter((shown) => shown !== undefined);
  if (parts.length > 0) {
    figures.push({
      body: parts,
      caption:
        `The examples of the ${scores.split} at ${parts.length > 1 ? "both ends" : "the lower end"} of that distribution, each with its log p(x) in nats. Plain ` +
        "examples can score high without being like the data: a high score alone does not say that an example is typical.",
    });
  }
  return { heading: "How likely each example is", figures };
}

async function part(title: string, order: string, examples: StrangeExamples | undefined): Promise<Html | undefined> {
  const body = examples && (await strangeExamples(examples, title));
  return body && panel(title, order, body);
}

async function distribution(
  { split, by, threshold, values: given }: ScoreFigure,
  values: readonly number[],
): Promise<Figure> {
  // A few extreme examples would press all others into one bar.
  const [least, high] = mainRange(values, 0.01, 1);
  const near = threshold && threshold.value <= high && threshold.value > least - (high - least) ? threshold : undefined;
  const low = near ? Math.min(least, near.value) : least;
  const width = (high - low) / BINS || 1;
  // Bins that begin at the threshold: no bar lies on both sides of it.
  const from = near ? near.value - Math.ceil((near.value - low) / width) * width : low;
  const bins = histogram(values, { from, width, count: BINS + 1 });
  const outside = values.length - bins.reduce((sum, { count }) => sum + count, 0);
  const below = threshold && values.filter((value) => value < threshold.value).length;
  const alt =
    `Histogram of log p(x) of ${counted(values.length, "example")}: from ${formatNumber(values[0])} to ` +
    `${formatNumber(values[values.length - 1])} nats, median ${formatNumber(quantile(values, 0.5))}` +
    (threshold ? `; threshold ${formatNumber(threshold.value)}, ${below} below it.` : ".");
  const caption = [
    `log p(x) of ${counted(values.length, "example")} of the ${split}, ${by}.`,
    threshold &&
      `${near ? "The dashed line is" : `At ${formatNumber(threshold.value)}, outside the axis, lies`} the threshold: ` +
        `${thresholdMeaning(threshold)} Here ${below?.toLocaleString("en-US")} do (${share((below ?? 0) / values.length)}).`,
    outside > 0 && `${counted(outside, "example")} beyond the axis ${outside === 1 ? "is" : "are"} not drawn.`,
    given.length > values.length && `Left out, as not finite: ${given.length - values.length}.`,
  ];
  const chart = panel("log p(x)", "nats; height: number of examples", await drawHistogram(bins, near, alt));
  return { body: panels(chart, summary(values, threshold)), caption: caption.filter(Boolean).join(" ") };
}

function thresholdMeaning({ quantile: part, examples }: ScoreThreshold): string {
  if (examples === undefined || examples * part >= 1) return `${share(part)} of the validation examples lie below it.`;
  const place = examples === 1 ? "is that of the only one" : "lies between the two lowest of them";
  return `${counted(examples, "validation example")} cannot resolve ${share(part)}, so it ${place}.`;
}

/** 0.01 as 1 %, to two digits. */
function share(part: number): string {
  return `${formatNumber(Number((100 * part).toPrecision(2)))} %`;
}

function summary(values: readonly number[], threshold: ScoreThreshold | undefined): Html {
  const quartiles = ["lowest", "lower quartile", "median", "upper quartile", "highest"].map((name, i) => ({
    name,
    value: quantile(values, i / 4),
  }));
  const rows = threshold ? [{ name: "threshold", value: threshold.value }, ...quartiles] : quartiles;
  const descending = rows.toSorted((a, b) => b.value - a.value);
  return panel(
    "In numbers",
    "nats",
    html`<table class="small"><tbody>${descending.map(
      ({ name, value }) => html`<tr><th scope="row">${name}</th><td>${formatNumber(value)}</td></tr>`,
    )}</tbody></table>`,
  );
}

function drawHistogram(bins: readonly Bin[], threshold: ScoreThreshold | undefined, alt: string): Promise<Html> {
  const strange = (bin: Bin): boolean => threshold !== undefined && (bin.from + bin.to) / 2 < threshold.value;
  const bars = bins.map((bin) => ({ ...bin, strange: strange(bin) }));
  const at = { field: "at", type: "quantitative" as const };
  const line = { type: "rule" as const, color: "var(--ink)", strokeDash: [4, 3] };
  const tallest = bins.reduce((most, { count }) => Math.max(most, count), 1);
  const [from, to] = [bins[0].from, bins[bins.length - 1].to];
  // Beside the line where there is room within the axis.
  const roomLeft = threshold !== undefined && threshold.value - from > 0.25 * (to - from);
  const side = roomLeft ? { align: "right" as const, dx: -5 } : { align: "left" as const, dx: 5 };
  const text = { type: "text" as const, text: "threshold", color: "var(--ink)", fontSize: 11, ...side };
  const rule = threshold && {
    data: { values: [{ at: threshold.value }] },
    encoding: { x: at },
    layer: [{ mark: line }, { mark: { ...text, baseline: "top" as const, y: 0 } }],
  };
  return draw(
    {
      width: chartWidth,
      height: 210,
      layer: [
        {
          data: { values: bars },
          mark: { type: "rect" },
          encoding: {
            x: {
              field: "from",
              type: "quantitative",
              title: "log p(x), nats",
              axis: { grid: false, tickCount: 6 },
              scale: { domain: [from, to], nice: false, zero: false },
            },
            x2: { field: "to" },
            y: {
              field: "count",
              type: "quantitative",
              title: null,
              axis: { tickCount: 4, tickMinStep: 1 },
              scale: { domain: [0, (threshold ? HEAD_ROOM : 1) * tallest], nice: !threshold },
            },
            y2: { datum: 0 },
            color: {
              field: "strange",
              type: "nominal",
              scale: { domain: [true, false], range: ["var(--validation)", "var(--training)"] },
              legend: null,
            },
          },
        },
        ...(rule ? [rule] : []),
      ],
    },
    alt,
  );
}
