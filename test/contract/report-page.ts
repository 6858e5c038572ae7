/** A small report, and what its page shows. */
import type { CurvePoint } from "../../src/report/curves.ts";
import type { Image } from "../../src/report/grid.ts";
import type { ReportInput } from "../../src/report/report.ts";

/** A picture whose bytes differ from each other and from those of its neighbours in a grid. */
export const picture = (seed: number, channels: 1 | 3 = 1): Image => ({
  width: 4,
  height: 3,
  channels,
  data: Uint8Array.from({ length: 12 * channels }, (_, i) => (i * 5 + seed * 40) % 256),
});

export const point = (epoch: number): CurvePoint => ({
  step: epoch * 141,
  epoch,
  train: { elbo: -300 + 10 * epoch, reconstruction: -299 + 11 * epoch, rate: 1 + epoch },
  validation: { elbo: -302 + 10 * epoch, reconstruction: -300 + 11 * epoch, rate: 2 + epoch },
  learningRate: 1e-3 / epoch,
  klWeight: 2,
});

/** A full report in which `text` stands wherever text comes from outside. */
export const report = (text = "some text"): ReportInput => ({
  title: text,
  sentence: text,
  numbers: [{ name: text, value: -238.312, error: 2.41, unit: text, stamp: text }],
  curve: Array.from({ length: 20 }, (_, i) => point(i + 1)),
  pictures: [
    { title: text, caption: text, alt: text, rows: [[picture(0), picture(1)], [picture(2)]], rowLabels: [text, text] },
    { title: text, caption: text, alt: text, rows: [[picture(3, 3)]] },
  ],
  latents: [0.5, 0.001, 1.5].map((rate) => ({ rate, active: rate > 0.01 })),
  config: { [text]: [text] },
  notes: [text],
});

export const count = (page: string, pattern: RegExp): number => page.match(pattern)?.length ?? 0;
export const charts = (page: string): string[] => page.match(/<svg.*?<\/svg>/gs) ?? [];
export const lines = (chart: string): string[] =>
  [...chart.matchAll(/mark-line role-mark[^>]*><path[^>]* d="([^"]*)"/g)].map(([, path]) => path);
/** The markup of the shapes of one kind: rect (bars) or symbol (points). */
export const shapes = (chart: string, kind: string): string[] =>
  [...chart.matchAll(new RegExp(`mark-${kind} role-mark[^>]*>(.*?)</g>`, "g"))].flatMap(
    ([, group]) => group.match(/<path[^>]*>/g) ?? [],
  );

export const text = (page: string): string => page.replace(/<(style|svg).*?<\/\1>/gs, "").replace(/<[^>]*>/g, "");
