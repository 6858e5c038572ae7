import { chartWidth, draw } from "./charts.ts";
import { type Html, type HtmlPart, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";
import type { LatentUse } from "./report-input.ts";
import { counted, panel, panels, type Section } from "./section.ts";

interface RankedLatent extends LatentUse {
  readonly latent: number;
}

/** A latent with a smaller rate, in nats, is ignored. */
const IGNORED = 0.05;
/** How many of the most used latents are told by number. */
const TOLD = 8;

/** The rate of each latent, and which carry it; nothing where no rate is finite. */
export async function rateSection(latents: readonly LatentUse[]): Promise<Section | undefined> {
  const ranked = latents
    .map((use, latent) => ({ ...use, latent }))
    .filter(({ rate }) => Number.isFinite(rate))
    .sort((a, b) => b.rate - a.rate);
  if (ranked.length === 0) return undefined;
  const inactive = ranked.filter(({ active }) => !active);
  const active = ranked.length - inactive.length;
  const leftOut = latents.length - ranked.length;
  const caption =
    "Rate of each latent dimension, KL(q(z|x) ‖ p(z)) averaged over examples, largest first. " +
    `${active} of ${latents.length} are active (coloured): their posterior mean varies over the examples, with a variance ` +
    `above 0.01.${aboutInactive(inactive)}${leftOut > 0 ? ` Left out, as not finite: ${leftOut}.` : ""}`;
  const chart = panel("Rate", "nats, by latent dimension", await rateChart(ranked));
  return { heading: "Rate by latent dimension", figures: [{ body: panels(chart, mostUsed(ranked)), caption }] };
}

/** What the variance alone does not say: whether a latent that is not active is ignored, or still carries some rate. */
function aboutInactive(inactive: readonly RankedLatent[]): string {
  if (inactive.length === 0) return "";
  const carrying = inactive.filter(({ rate }) => rate >= IGNORED);
  const [largest] = inactive;
  if (carrying.length === 0) {
    return ` By this measure the others are not active, and with rates below ${IGNORED} nats the model ignores them.`;
  }
  return (
    ` By this measure the others are not active; ${carrying.length} of these ${inactive.length} still ` +
    `${carrying.length === 1 ? "carries" : "carry"} a rate of ${IGNORED} nats or more, at most ${formatNumber(largest.rate, 2)}.`
  );
}

/** The most used latents, each with its rate and its share of all rates. */
function mostUsed(ranked: readonly RankedLatent[]): Html {
  const total = ranked.reduce((sum, { rate }) => sum + rate, 0) || 1;
  const row = (name: HtmlPart, rate: number): Html =>
    html`<tr><td>${name}</td><td>${formatNumber(rate, 2)}</td><td>${formatNumber((100 * rate) / total, 0)} %</td></tr>`;
  const rest = ranked.slice(TOLD).reduce((sum, { rate }) => sum + rate, 0);
  const others = ranked.length > TOLD ? row(counted(ranked.length - TOLD, "other"), rest) : undefined;
  return panel(
    "Most used",
    `of ${formatNumber(total, 2)} nats in all`,
    html`<table class="small"><thead><tr><th scope="col">latent</th><th scope="col">nats</th><th scope="col">share</th></tr></thead><tbody>${ranked
      .slice(0, TOLD)
      .map(({ latent, rate }) => row(html`z<sub>${latent}</sub>`, rate))}${others}</tbody></table>`,
  );
}

function rateChart(ranked: readonly RankedLatent[]): Promise<Html> {
  const values = ranked.map(({ latent, rate, active }) => ({ dimension: String(latent), rate, active }));
  const alt =
    `Bar chart of the rate of ${counted(values.length, "latent dimension")} in nats, sorted: ` +
    `from ${formatNumber(values[0].rate)} down to ${formatNumber(values[values.length - 1].rate)}.`;
  return draw(
    {
      width: chartWidth,
      height: 190,
      data: { values },
      mark: { type: "bar", width: Math.min(24, 240 / values.length) },
      encoding: {
        x: {
          field: "dimension",
          type: "nominal",
          title: "latent dimension",
          sort: null,
          axis: values.length > 24 ? { labels: false, ticks: false } : { labelAngle: 0, ticks: false },
        },
        y: {
          field: "rate",
          type: "quantitative",
          title: null,
          axis: { tickCount: 5 },
          scale: { domain: [0, values[0].rate > 0 ? values[0].rate : 1], nice: true },
        },
        color: {
          field: "active",
          type: "nominal",
          scale: { domain: [true, false], range: ["var(--training)", "var(--muted)"] },
          legend: null,
        },
      },
    },
    alt,
  );
}
