import type { StampedNumber } from "../evaluation/summary.ts";
import { type LatentUse, rateChart } from "./charts.ts";
import { type CurvePoint, learningCurves } from "./curves.ts";
import { encodeGrid, type Image } from "./grid.ts";
import { Html, type HtmlPart, html } from "./html.ts";
import { formatNumber, formatWithError } from "./numbers.ts";
import { style } from "./style.ts";

/** Everything a report shows. All numbers are per example and in nats unless their unit says otherwise. */
export interface ReportInput {
  /** The run's name. */
  readonly title: string;
  /** What was trained, for how long, on what: one sentence. */
  readonly sentence: string;
  /** Held-out numbers, the headline first. */
  readonly numbers: readonly StampedNumber[];
  readonly curve: readonly CurvePoint[];
  readonly pictures: readonly Picture[];
  readonly latents?: readonly LatentUse[];
  /** Shown as JSON: configuration and versions. */
  readonly config: unknown;
  /** Explanations, a paragraph each. */
  readonly notes: readonly string[];
}

/** Rows of equally large images, shown as one grid. `alt` says in words what is to be seen. */
export interface Picture {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  readonly rows: readonly (readonly Image[])[];
  readonly rowLabels?: readonly string[];
}

/** One HTML page that needs nothing else: no script, no request, all text from outside escaped. */
export async function renderReport(input: ReportInput): Promise<string> {
  const pictures = input.pictures.filter(({ rows }) => rows.some((row) => row.length > 0));
  const figures = [
    await curveFigure(input.curve),
    ...(await Promise.all(pictures.map(pictureFigure))),
    await rateFigure(input.latents ?? []),
  ].filter((figure) => figure !== undefined);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${input.title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
<header>
<h1>${input.title}</h1>
<p class="sentence">${input.sentence}</p>
${headline(input.numbers)}
</header>
${figures.map(({ heading, body, caption }, index) => [
  html`<h2>${heading}</h2>\n`,
  html`<figure>${body}<figcaption><b>Figure ${index + 1}.</b> ${caption}</figcaption></figure>\n`,
])}
${numberTable(input.numbers)}
${notes(input.notes)}
<details>
<summary>Configuration and versions</summary>
<pre tabindex="0">${JSON.stringify(input.config, null, 2)}</pre>
</details>
<footer>${footer(pictures)}</footer>
</main>
</body>
</html>
`;
  return page.markup;
}

interface Figure {
  readonly heading: string;
  readonly body: Html;
  readonly caption: HtmlPart;
}

function headline(numbers: readonly StampedNumber[]): HtmlPart {
  const first = numbers.at(0);
  if (first === undefined) return html`<p class="headline">This run has not been evaluated on held-out data.</p>`;
  const { name, value, error, unit, stamp } = first;
  return html`<p class="headline">${name}<br><strong>${formatWithError(value, error)}</strong> ${unit}</p>
<p class="stamp">${stamp}</p>`;
}

async function curveFigure(curve: readonly CurvePoint[]): Promise<Figure | undefined> {
  if (curve.length === 0) return undefined; // closed forms have no curve
  const caption =
    "ELBO = reconstruction − rate: log p(x|z) expected under q(z|x), less KL(q(z|x) ‖ p(z)), averaged over the examples. " +
    "A larger ELBO is better. Gaps are values that were not finite.";
  return { heading: "Learning curves", body: await learningCurves(curve), caption };
}

async function pictureFigure({ title, caption, alt, rows, rowLabels }: Picture): Promise<Figure> {
  const { width, height, png } = await encodeGrid(rows);
  // Whole multiples keep all pixels equally large; a phone may still shrink the picture to its width.
  const scale = Math.max(1, Math.floor(Math.min(720 / width, 480 / height)));
  const crisp = width <= 720 ? "crisp" : "smooth";
  const source = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
  const image = html`<img class="${crisp}" alt="${alt}" width="${scale * width}" height="${scale * height}" src="${source}">`;
  const labels = rowLabels && html`<ol>${rowLabels.map((label) => html`<li>${label}</li>`)}</ol>`;
  const body = html`<div class="picture ${labels ? "labelled" : ""}">${labels}${image}</div>`;
  return { heading: title, body, caption };
}

async function rateFigure(latents: readonly LatentUse[]): Promise<Figure | undefined> {
  const finite = latents.filter(({ rate }) => Number.isFinite(rate));
  if (finite.length === 0) return undefined;
  const active = finite.filter((latent) => latent.active).length;
  const caption =
    `Rate of each latent dimension, KL(q(z|x) ‖ p(z)) averaged over examples, largest first. ${active} of ${latents.length} ` +
    "are active (coloured): their posterior mean varies over the examples, with a variance above 0.01." +
    (finite.length < latents.length ? ` Left out, as not finite: ${latents.length - finite.length}.` : "");
  return { heading: "Rate by latent dimension", body: await rateChart(latents), caption };
}

/** Before the stamp of a number in nats the same in bits per dimension. */
function bits(perDimension: number | undefined): string {
  return perDimension === undefined ? "" : `${formatNumber(perDimension)} bits/dim; `;
}

function numberTable(numbers: readonly StampedNumber[]): HtmlPart {
  if (numbers.length === 0) return undefined;
  return html`<h2>Held-out numbers</h2>
<table>
<caption><b>Table 1.</b> Each number with how it was estimated; ± is one standard error.</caption>
${numbers.map(
  ({ name, value, error, unit, bitsPerDimension, stamp }) => html`<tbody>
<tr><th scope="row">${name}</th><td>${formatWithError(value, error)} ${unit}</td></tr>
<tr><td class="stamp" colspan="2">${bits(bitsPerDimension)}${stamp}</td></tr>
</tbody>
`,
)}</table>`;
}

function notes(paragraphs: readonly string[]): HtmlPart {
  if (paragraphs.length === 0) return undefined;
  return html`<h2>Notes</h2>\n${paragraphs.map((paragraph) => html`<p>${paragraph}</p>\n`)}`;
}

function footer(pictures: readonly Picture[]): string {
  const warning = "This page holds images from the data: share it only where the data may be shared. ";
  return `${pictures.length > 0 ? warning : ""}Made by Reparam; a single file that loads nothing.`;
}
