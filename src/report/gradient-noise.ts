import type { GradientNoise, GradientStudy } from "../evaluation/gradients.ts";
import { formatNumber } from "./numbers.ts";
import { counted } from "./section.ts";
import type { PictureFile } from "./svg-file.ts";

const KINDS = [
  { kind: "of the ELBO", colour: "var(--training)" },
  { kind: "of the importance-weighted bound", colour: "var(--learning-rate)" },
  { kind: "wrong, for teaching", colour: "var(--validation)" },
] as const;

interface Bar {
  readonly name: string;
  readonly variance: number;
  readonly ratio: number;
  readonly kind: (typeof KINDS)[number]["kind"];
}

/** Variance and signal-to-noise ratio of each estimator as bars, both on a logarithmic axis. */
export function gradientPicture({ noise, parameters, examples, samples, draws }: GradientStudy): PictureFile {
  const bars = noise.map(barOf);
  const best = bars.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  const told = bars.map(
    ({ name, variance, ratio }) => `${name} ${formatNumber(variance)} and ${formatNumber(ratio, 2)}`,
  );
  return {
    caption:
      `Bars of the variance and the signal-to-noise ratio of ${counted(bars.length, "estimator")} of the encoder's gradient: ` +
      `${told.join("; ")}. The clearest is ${best.name}.`,
    spec: {
      title: {
        text: "Noise of the encoder's gradient",
        subtitle: `${counted(examples, "example")}, ${counted(samples, "sample")} each, ${draws} draws, ${counted(parameters, "parameter")}`,
        anchor: "start",
        color: "var(--ink)",
        subtitleColor: "var(--muted)",
        fontSize: 13,
        subtitleFontSize: 11,
        offset: 14,
      },
      autosize: { type: "pad" },
      spacing: 24,
      hconcat: [
        panel(bars, "variance", "variance (trace of the covariance)", { named: true }),
        panel(bars, "ratio", "signal to noise, ‖E g‖ / √variance", { named: false }),
      ],
    },
  };
}

function barOf({ name, bound, wrong, variance, signalToNoise }: GradientNoise): Bar {
  const ofElbo = bound === "ELBO";
  return {
    name: ofElbo ? name : `${name} (importance)`,
    variance: variance.value,
    ratio: signalToNoise,
    kind: wrong ? "wrong, for teaching" : ofElbo ? "of the ELBO" : "of the importance-weighted bound",
  };
}

function panel(
  bars: readonly Bar[],
  field: "variance" | "ratio",
  title: string,
  { named }: { readonly named: boolean },
) {
  const positive = bars.map((bar) => bar[field]).filter((value) => value > 0);
  const [least, most] = [
    positive.reduce((a, b) => Math.min(a, b), 1e9),
    positive.reduce((a, b) => Math.max(a, b), 1e-9),
  ];
  const low = least / 2; // so that the smallest bar can be seen
  const values = bars.filter((bar) => bar[field] > 0).map((bar) => ({ ...bar, value: bar[field], from: low }));
  const y = {
    field: "name",
    type: "nominal" as const,
    sort: null,
    scale: { domain: bars.map(({ name }) => name) },
    title: null,
    axis: named ? { labelLimit: 0, labelColor: "var(--ink)", labelFontSize: 11 } : null,
  };
  const kinds = KINDS.filter(({ kind }) => bars.some((bar) => bar.kind === kind));
  const axis = { grid: true, values: [...decades(low, most)], format: ",~g" };
  return {
    width: 230,
    height: 24 * bars.length,
    title: {
      text: title,
      anchor: "start" as const,
      fontSize: 11,
      fontWeight: "normal" as const,
      color: "var(--muted)",
    },
    layer: [
      {
        data: { values },
        mark: { type: "bar" as const, height: 14 },
        encoding: {
          y,
          x: {
            field: "value",
            type: "quantitative" as const,
            title: null,
            scale: { type: "log" as const, domain: [low, most * 1.1], nice: false },
            axis,
          },
          x2: { field: "from" },
          color: {
            field: "kind",
            type: "nominal" as const,
            scale: { domain: kinds.map(({ kind }) => kind), range: kinds.map(({ colour }) => colour) },
            legend: { title: null, orient: "bottom" as const, direction: "vertical" as const },
          },
        },
      },
      {
        data: { values: bars.filter((bar) => !(bar[field] > 0)) },
        mark: {
          type: "text" as const,
          text: field === "ratio" ? "not to be told from 0" : "none: the same at every draw",
          align: "left" as const,
          fontSize: 10,
          color: "var(--muted)",
          x: 4,
        },
        encoding: { y },
      },
    ],
  };
}

/** Powers of ten between two numbers; where they are few, 2 and 5 times those too. */
function decades(low: number, high: number): readonly number[] {
  const powers = Array.from({ length: 40 }, (_, i) => 10 ** (i - 20));
  const wide = high / low > 50;
  return powers
    .flatMap((power) => (wide ? [power] : [power, 2 * power, 5 * power]))
    .filter((at) => at >= low && at <= high);
}
