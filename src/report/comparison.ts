import type { CodeMap, ComparedModel, ComparisonInput } from "./comparison-input.ts";
import { frameOf, mapSection } from "./comparison-map.ts";
import { type ComparisonTable, comparisonTable } from "./comparison-rows.ts";
import { type HtmlPart, html } from "./html.ts";
import { footerWords, numbered, page } from "./page.ts";
import { type LabelledRow, labelledRows } from "./picture.ts";
import { counted, type Section } from "./section.ts";

/** Several models side by side on one page that needs nothing else. */
export async function renderComparison(input: ComparisonInput): Promise<string> {
  const { title, examples, models, originals, notices } = input;
  const sections = await Promise.all([mapsOf(input), reconstructionsOf(input), samplesOf(models)]);
  return page(
    title,
    html`<header>
<h1>${title}</h1>
<p class="sentence">${counted(models.length, "model")} on the same data: ${examples}.</p>
</header>
${tableOf(comparisonTable(input))}
${notices.map((notice) => html`<p>${notice}</p>\n`)}
${numbered(sections.filter((section) => section !== undefined))}
<footer>${footerWords(originals && "images")}</footer>`,
  );
}

function tableOf({ groups, rows, footnotes, apart }: ComparisonTable): HtmlPart {
  const several = groups.length > 1;
  const over = html`<tr><td></td>${groups.map(
    ({ of, names }) =>
      html`<th scope="colgroup" colspan="${names.length}">${of === undefined ? "without a density" : `log p(x) of ${of}`}</th>`,
  )}</tr>\n`;
  return html`<h2>Side by side</h2>
<div class="scroll" tabindex="0" role="region" aria-label="The table of all models">
<table class="small compared">
<caption><b>Table 1.</b> Each quantity with how it was estimated, below; ± is one standard error.</caption>
<thead>
${several ? over : undefined}<tr><td></td>${groups.flatMap(({ names }) => names.map((name) => html`<th scope="col">${name}</th>`))}</tr>
</thead>
<tbody>
${rows.map(
  ({ heading, kind, cells }) =>
    html`<tr class="${kind}"><th scope="row">${heading}</th>${cells.map(
      ({ text, note }) => html`<td>${text}${note === undefined ? undefined : html`<sup>${note}</sup>`}</td>`,
    )}</tr>\n`,
)}</tbody>
</table>
</div>
${apart === undefined ? undefined : html`<p>${apart}</p>\n`}<ol class="notes">
${footnotes.map((note) => html`<li>${note}</li>\n`)}</ol>`;
}

async function mapsOf({ models, labelNames }: ComparisonInput): Promise<Section | undefined> {
  const maps = models.flatMap(({ name, title, map }) => (map ? [{ name, title, map }] : []));
  if (maps.length === 0) return undefined;
  const without = models.filter(({ map }) => !map).map(({ name }) => name);
  return mapSection(maps, { frame: frameOf(maps.map(({ map }): CodeMap => map)), labelNames, without });
}

async function reconstructionsOf({ models, originals }: ComparisonInput): Promise<Section | undefined> {
  const shown = rowsOf(models, "reconstructions");
  if (!originals || shown.length === 0) return undefined;
  const first = { label: "data", images: originals, alt: `${counted(originals.length, "image")} of the data` };
  return {
    heading: "The same images, reconstructed",
    figures: [
      {
        body: await labelledRows([first, ...shown]),
        caption:
          "The first images of the split, and below them each model's x̂: what it decodes the code of x to. A flow is invertible, so its x̂ is x.",
      },
    ],
  };
}

async function samplesOf(models: readonly ComparedModel[]): Promise<Section | undefined> {
  const shown = rowsOf(models, "samples");
  if (shown.length === 0) return undefined;
  const without = models.filter(({ samples }) => !samples).map(({ name }) => name);
  const left = without.length === 0 ? "" : ` Without a prior to draw from: ${without.join(", ")}.`;
  return {
    heading: "Samples",
    figures: [
      {
        body: await labelledRows(shown),
        caption: `Not chosen: the first draws z ~ p(z) of each model, decoded (the mean of p(x|z)).${left}`,
      },
    ],
  };
}

function rowsOf(models: readonly ComparedModel[], what: "reconstructions" | "samples"): readonly LabelledRow[] {
  return models.flatMap(({ name, [what]: images }) =>
    images && images.length > 0
      ? [{ label: name, images, alt: `${counted(images.length, "image")} by ${name}: ${what}` }]
      : [],
  );
}
