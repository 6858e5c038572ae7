import { ascending, mainRange } from "../evaluation/quantiles.ts";
import { type Html, html } from "./html.ts";
import { type LineChart, lineChart, type Series } from "./line-chart.ts";
import { formatNumber } from "./numbers.ts";
import { counted, panel, panels, type Section } from "./section.ts";

/** What training tells of an example, by name: means. */
export type Terms = Readonly<Record<string, number>>;

/** Where training stood after `step` steps: a row of the run's metrics. */
export interface CurvePoint {
  readonly step: number;
  readonly epoch: number;
  readonly train: Terms;
  readonly validation?: Terms;
  /** Of training by gradients. */
  readonly learningRate?: number;
  readonly klWeight?: number;
}

interface TermPanel {
  readonly title: string;
  readonly unit: string;
  /** Never below 0, as a KL divergence or a squared error is. */
  readonly fromZero?: boolean;
}

/** The terms that have a panel, in this order. */
const panelsOf: Readonly<Record<string, TermPanel>> = {
  logLikelihood: { title: "Log-likelihood", unit: "nats per example" },
  squaredError: { title: "Squared error", unit: "in the data's units, squared", fromZero: true },
  elbo: { title: "ELBO", unit: "nats per example" },
  reconstruction: { title: "Reconstruction", unit: "nats per example" },
  rate: { title: "Rate", unit: "nats per example", fromZero: true },
  discriminatorLoss: { title: "Discriminator's loss", unit: "nats per code; log 2 · 2 where it cannot tell" },
  discriminatorAccuracy: { title: "Codes told from the prior", unit: "share of them; ½ is none", fromZero: true },
  generatorLoss: { title: "Encoder's loss in the game", unit: "nats per code" },
  discrepancy: { title: "Discrepancy of the codes", unit: "MMD², from the prior" },
};

type LineStyle = Omit<Series, "points">;

const training: LineStyle = { name: "training", colour: "var(--training)", dashed: false };
const validation: LineStyle = { name: "validation", colour: "var(--validation)", dashed: true };
const learningRate: LineStyle = { name: "learning rate", colour: "var(--learning-rate)", dashed: false };
const klWeight: LineStyle = { name: "KL weight", colour: "var(--kl-weight)", dashed: true };

/** Four panels: the bound, its two terms and the schedules; nothing of a curve without rows, as closed forms have. */
export async function curveSection(curve: readonly CurvePoint[]): Promise<Section | undefined> {
  const isClosedForm = curve.length === 1 && curve[0].learningRate === undefined;
  if (curve.length === 0 || isClosedForm) return undefined;
  // Rows within one epoch need steps as their axis.
  const perEpoch = curve.every((point, index) => index === 0 || point.epoch > curve[index - 1].epoch);
  const axis = perEpoch ? "epoch" : "step";

  const line = (style: LineStyle, termOf: (point: CurvePoint) => number | undefined): Series => ({
    ...style,
    points: curve.flatMap((point) => {
      const y = termOf(point);
      return y === undefined ? [] : [{ x: point[axis], y }];
    }),
  });
  const told = Object.entries(panelsOf).filter(([term]) => curve.some(({ train }) => term in train));
  if (told.length === 0) return undefined;
  const termPanel = ([term, { title, unit, fromZero = false }]: [string, TermPanel]): Promise<Panel> => {
    const series = [
      line(training, (point) => point.train[term]),
      line(validation, (point) => point.validation?.[term]),
    ];
    return chartPanel(title, unit, { axis, fromZero, series, range: mainPart(series, fromZero) });
  };

  const bound = told.some(([term]) => term === "elbo");
  const largestRate = largest(curve.flatMap((point) => point.learningRate ?? []));
  const largestWeight = largest(curve.flatMap((point) => point.klWeight ?? []));
  const scheduled = curve.some((point) => point.learningRate !== undefined);
  const schedules = (): Promise<Panel> =>
    chartPanel(
      "Schedules",
      `as shares of ${formatNumber(largestRate)}${bound ? ` and ${formatNumber(largestWeight)}` : ""}`,
      {
        axis,
        fromZero: true,
        series: [
          line(learningRate, (point) => point.learningRate && point.learningRate / largestRate),
          ...(bound ? [line(klWeight, (point) => point.klWeight && point.klWeight / largestWeight)] : []),
        ],
      },
    );
  const shown = await Promise.all([...told.map(termPanel), ...(scheduled ? [schedules()] : [])]);
  const outside = shown.flatMap((one) => one.outside ?? []);
  const words = bound
    ? "ELBO = reconstruction − rate: log p(x|z) expected under q(z|x), less KL(q(z|x) ‖ p(z)), averaged over the examples; at " +
      "weight 1, whatever the KL weight of the loss. A larger ELBO is better. "
    : "Averaged over the examples. ";
  const caption =
    `${words}Gaps are values that were not finite.` +
    (outside.length > 0
      ? ` So that the later course can be read, extreme points lie outside the axes: ${outside.join("; ")}.`
      : "");
  return { heading: "Learning curves", figures: [{ body: panels(...shown.map((one) => one.html)), caption }] };
}

/** The largest value, or 1 where none is above 0: a number to divide by. */
function largest(values: readonly number[]): number {
  return values.filter(Number.isFinite).reduce((most, value) => Math.max(most, value), 0) || 1;
}

const FEW = 16;

/**
 * Where most of the lines run, undefined where that is all: the first epochs are often so much worse that the others lie flat.
 * What has its floor at 0 is drawn from there.
 */
function mainPart(series: readonly Series[], fromZero: boolean): readonly [number, number] | undefined {
  const ys = ascending(series.flatMap(({ points }) => points.map(({ y }) => y)));
  if (ys.length < FEW) return undefined;
  const [low, high] = mainRange(ys, 0.1, 0.5);
  const all = low === ys[0] && high === ys[ys.length - 1];
  if (fromZero) return high > 0 && high < ys[ys.length - 1] ? [0, high] : undefined;
  return low < high && !all ? [low, high] : undefined;
}

interface Panel {
  readonly html: Html;
  /** Which points are not drawn. */
  readonly outside?: string;
}

async function chartPanel(name: string, unit: string, chart: LineChart): Promise<Panel> {
  const finite = chart.series
    .map((line) => ({ line, ys: line.points.map(({ y }) => y).filter(Number.isFinite) }))
    .filter(({ ys }) => ys.length > 0);
  if (finite.length === 0) return { html: panel(name, unit, html`<p>No finite value was recorded.</p>`) };
  const course = finite.map(
    ({ line, ys }) => `${line.name} from ${formatNumber(ys[0])} to ${formatNumber(ys[ys.length - 1])}`,
  );
  const alt = `Line chart of ${name}, ${unit}, by ${chart.axis}: ${course.join("; ")}.`;
  const drawn = await lineChart({ ...chart, series: finite.map(({ line }) => line) }, alt);
  return {
    html: panel(name, unit, drawn),
    outside:
      chart.range &&
      outsideOf(
        name,
        finite.flatMap(({ ys }) => ys),
        chart.range,
      ),
  };
}

function outsideOf(name: string, values: readonly number[], [low, high]: readonly [number, number]): string {
  const beyond = ascending(values.filter((value) => value < low || value > high));
  const end = beyond[0] < low ? beyond[0] : beyond[beyond.length - 1];
  return `${name}, ${counted(beyond.length, "point")} as far as ${formatNumber(end)}`;
}
