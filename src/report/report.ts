import type { StampedNumber } from "../evaluation/summary.ts";
import { curveSection } from "./curves.ts";
import { historySection } from "./history.ts";
import { type HtmlPart, html } from "./html.ts";
import { inferenceSection } from "./inference.ts";
import { latentSection } from "./latent-map.ts";
import { formatNumber, formatWithError } from "./numbers.ts";
import { footerWords, numbered, page } from "./page.ts";
import { pictureFigure } from "./picture.ts";
import { samplesSection } from "./prior-samples.ts";
import { rateSection } from "./rates.ts";
import { reconstructionSection } from "./reconstructions.ts";
import type { ModelCard, ReportInput } from "./report-input.ts";
import { scoreSection } from "./scores.ts";
import type { Section } from "./section.ts";
import { tableSection } from "./table-figures.ts";
import { traversalSection } from "./traversals.ts";

export type { Picture, ReportInput } from "./report-input.ts";

/** The page of one run, which needs nothing else. */
export async function renderReport(input: ReportInput): Promise<string> {
  const sections = await sectionsOf(input);
  return page(
    input.title,
    html`<header>
<h1>${input.title}</h1>
<p class="sentence">${input.sentence}</p>
${headline(input.numbers, input.trust)}
</header>
${numbered(sections)}
${numberTable(input.numbers)}
${notes(input.notes)}
${card(input.card)}
<details>
<summary>Configuration and versions</summary>
<pre tabindex="0">${JSON.stringify(input.config, null, 2)}</pre>
</details>
<footer>${footer(input)}</footer>`,
  );
}

async function sectionsOf(input: ReportInput): Promise<readonly Section[]> {
  const { history, reconstructions, samples, latentMap, inference, traversals, scores, table, likelihood } = input;
  const sections = await Promise.all([
    curveSection(input.curve),
    history && historySection(history),
    reconstructions && reconstructionSection(reconstructions, likelihood),
    samples && samplesSection(samples),
    latentMap && latentSection(latentMap),
    rateSection(input.latents ?? []),
    inference && inferenceSection(inference),
    traversals && traversalSection(traversals),
    scores && scoreSection(scores),
    table && tableSection(table),
    ...shownPictures(input).map(
      async (picture): Promise<Section> => ({ heading: picture.title, figures: [await pictureFigure(picture)] }),
    ),
  ]);
  return sections.filter((section) => section !== undefined);
}

function shownPictures({ pictures }: ReportInput): ReportInput["pictures"] {
  return pictures.filter(({ rows }) => rows.some((row) => row.length > 0));
}

function headline(numbers: readonly StampedNumber[], trust: string | undefined): HtmlPart {
  const first = numbers.at(0);
  if (first === undefined) return html`<p class="headline">This run has not been evaluated on held-out data.</p>`;
  const { name, value, error, unit, stamp } = first;
  return html`<p class="headline">${name}<br><strong>${formatWithError(value, error)}</strong> ${unit}</p>
<p class="stamp">${stamp}</p>
${trust === undefined ? undefined : html`<p class="stamp">${trust}</p>\n`}`;
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

function card(about: ModelCard | undefined): HtmlPart {
  if (about === undefined) return undefined;
  const rows = [
    ["Data", about.data],
    ["Intended use", about.intendedUse],
    ["Limits", about.limits],
  ];
  return html`<h2>Model card</h2>
<dl>${rows.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>\n`)}</dl>`;
}

function footer(input: ReportInput): string {
  const { reconstructions, scores, table } = input;
  const kinds = [scores?.strangest.kind, scores?.likeliest?.kind];
  const images = shownPictures(input).length > 0 || reconstructions !== undefined || kinds.includes("images");
  const rows = table !== undefined || kinds.includes("rows");
  return footerWords(images ? "images" : rows ? "rows" : undefined);
}
