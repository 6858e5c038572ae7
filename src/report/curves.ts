import { type LineChart, lineChart, type Series } from "./charts.ts";
import { type Html, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";

/** ELBO = reconstruction − rate, in nats per example. */
export interface Bound {
  readonly elbo: number;
  readonly reconstruction: number;
  readonly rate: number;
}

/** Where training stood after `step` steps: a row of the run's metrics. */
export interface CurvePoint {
  readonly step: number;
  readonly epoch: number;
  readonly train: Bound;
  readonly validation?: Bound;
  readonly learningRate: number;
  readonly klWeight: number;
}

type LineStyle = Omit<Series, "points">;

const training: LineStyle = { name: "training", colour: "var(--training)", dashed: false };
const validation: LineStyle = { name: "validation", colour: "var(--validation)", dashed: true };
const learningRate: LineStyle = { name: "learning rate", colour: "var(--learning-rate)", dashed: false };
const klWeight: LineStyle = { name: "KL weight", colour: "var(--kl-weight)", dashed: true };

/** Four panels side by side: the bound, its two terms and the schedules, of a curve with at least one row. */
export async function learningCurves(curve: readonly CurvePoint[]): Promise<Html> {
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
  const bound = (name: string, term: keyof Bound): Promise<Html> =>
    panel(name, "nats per example", {
      axis,
      fromZero: term === "rate", // a KL divergence is never below 0
      series: [line(training, (point) => point.train[term]), line(validation, (point) => point.validation?.[term])],
    });

  const largestRate = largest(curve.map((point) => point.learningRate));
  const largestWeight = largest(curve.map((point) => point.klWeight));
  const panels = await Promise.all([
    bound("ELBO", "elbo"),
    bound("Reconstruction", "reconstruction"),
    bound("Rate", "rate"),
    panel("Schedules", `as shares of ${formatNumber(largestRate)} and ${formatNumber(largestWeight)}`, {
      axis,
      fromZero: true,
      series: [
        line(learningRate, (point) => point.learningRate / largestRate),
        line(klWeight, (point) => point.klWeight / largestWeight),
      ],
    }),
  ]);
  return html`<div class="panels">${panels}</div>`;
}

/** The largest value, or 1 where none is above 0: a number to divide by. */
function largest(values: readonly number[]): number {
  return values.filter(Number.isFinite).reduce((most, value) => Math.max(most, value), 0) || 1;
}

async function panel(name: string, unit: string, chart: LineChart): Promise<Html> {
  const title = html`<p><b>${name}</b> <span>${unit}</span></p>`;
  const finite = chart.series
    .map((line) => ({ line, ys: line.points.map(({ y }) => y).filter(Number.isFinite) }))
    .filter(({ ys }) => ys.length > 0);
  if (finite.length === 0) return html`<div>${title}<p>No finite value was recorded.</p></div>`;
  const course = finite.map(
    ({ line, ys }) => `${line.name} from ${formatNumber(ys[0])} to ${formatNumber(ys[ys.length - 1])}`,
  );
  const alt = `Line chart of ${name}, ${unit}, by ${chart.axis}: ${course.join("; ")}.`;
  return html`<div>${title}${await lineChart({ ...chart, series: finite.map(({ line }) => line) }, alt)}</div>`;
}
