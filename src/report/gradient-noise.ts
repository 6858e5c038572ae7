import type { GradientNoise, GradientStudy } from "../evaluation/gradients.ts";
import { formatNumber } from "./numbers.ts";
import type { PictureFile } from "./svg-file.ts";

interface Bar {
  readonly name: string;
  readonly variance: number;
  readonly ratio: number;
  readonly kind: "of the ELBO" | "of the importance-weighted bound" | "wrong, for teaching";
}

/** Variance and signal-to-noise ratio of each estimator as bars, both on a logarithmic axis. */
export function gradientPicture({ noise, parameters, examples, samples, draws }: GradientStudy): PictureFile {
  const bars = noise.map(barOf);
  const kinds: readonly Bar["kind"][] = ["of the ELBO", "of the importance-weighted bound", "wrong, for teaching"];
  const names = bars.map(({ name }) => name);
  // What so many draws cannot tell from 0 has no bar to be seen.
  const floor = 1 / Math.sqrt(draws);
  const best = bars.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  const caption =
    `Bars of the variance and the signal-to-noise ratio of ${bars.length} estimators of the encoder's gradient: ` +
    `${bars.map(({ name, variance, ratio }) => `${name} ${formatNumber(variance)} and ${formatNumber(ratio, 2)}`).join("; ")}. The clearest is ${best.name}.`;
  const panel = (field: "variance" | "ratio", title: string, low: number) => {
    const values = bars.map((bar) => ({ ...bar, value: Math.max(bar[field], low), from: low }));
    return {
      width: 230,
      height: 26 * bars.length,
      title: {
        text: title,
        anchor: "start" as const,
        fontSize: 12,
        fontWeight: "normal" as const,
        color: "var(--ink)",
      },
      data: { values },
      mark: { type: "bar" as const, height: 14 },
      encoding: {
        y: {
          field: "name",
          type: "nominal" as const,
          sort: [...names],
          title: null,
          axis: field === "variance" ? { labelLimit: 260, labelColor: "var(--ink)", labelFontSize: 11 } : null,
        },
        x: {
          field: "value",
          type: "quantitative" as const,
          title: null,
          scale: { type: "log" as const, domainMin: low },
          axis: { grid: true, tickCount: 4, format: "~g" },
        },
        x2: { field: "from" },
        color: {
          field: "kind",
          type: "nominal" as const,
          scale: {
            domain: kinds.filter((kind) => bars.some((bar) => bar.kind === kind)),
            range: kinds
              .map((kind, i) => ({ kind, colour: ["var(--training)", "var(--learning-rate)", "var(--validation)"][i] }))
              .filter(({ kind }) => bars.some((bar) => bar.kind === kind))
              .map(({ colour }) => colour),
          },
          legend: { title: null, orient: "bottom" as const, columns: 3 },
        },
      },
    };
  };
  const least = bars.map(({ variance }) => variance).filter((variance) => variance > 0);
  const lowest = least.length > 0 ? least.reduce((a, b) => Math.min(a, b)) / 3 : 1e-3;
  return {
    caption,
    spec: {
      title: {
        text: "Noise of the encoder's gradient",
        subtitle: `${examples} examples, ${samples} ${samples === 1 ? "sample" : "samples"} each, ${draws} draws, ${parameters.toLocaleString("en-US")} parameters`,
        anchor: "start",
        color: "var(--ink)",
        subtitleColor: "var(--muted)",
        fontSize: 13,
        subtitleFontSize: 11,
      },
      autosize: { type: "pad" },
      spacing: 24,
      hconcat: [
        panel("variance", "variance (trace of the covariance)", lowest),
        panel("ratio", "signal to noise, ‖E g‖ / √variance", Math.min(floor, best.ratio / 2)),
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
