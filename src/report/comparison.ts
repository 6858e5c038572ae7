import type { CodeMap, ComparedModel, ComparisonInput } from "./comparison-input.ts";
import { frameOf, mapSection } from "./comparison-map.ts";
import { type ComparisonTable, comparisonTable } from "./comparison-rows.ts";
import { type HtmlPart, html } from "./html.ts";
import { largestGap, marginalChart, marginalLegend } from "./marginals.ts";
import { formatNumber } from "./numbers.ts";
import { footerWords, numbered, page } from "./page.ts";
import { type LabelledRow, labelledRows } from "./picture.ts";
import { counted, panel, type Section } from "./section.ts";

/** Several models side by side on one page that needs nothing else. */
export async function renderComparison(input: ComparisonInput): Promise<string> {
  const { title, examples, models, originals, notices } = input;
  const sections = await Promise.all([mapsOf(input), reconstructionsOf(input), samplesOf(models), columnsOf(models)]);
  return page(
    title,
    html`<header>
<h1>${title}</h1>
<p class="sentence">${counted(models.length, "model")} on the same data: ${examples}.</p>
</header>
${tableOf(comparisonTable(input))}
${notices.map((notice) => html`<p>${notice}</p>\n`)}
${numbered(sections.filter((section) => section !== undefined))}
<footer>${footerWords(originals ? "images" : undefined)}</footer>`,
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

/** Of each model the column in which its draws differ most from the data. */
async function columnsOf(models: readonly ComparedModel[]): Promise<Section | undefined> {
  const drawn = models.flatMap(({ name, table }) => (table ? [{ name, table }] : []));
  if (drawn.length === 0) return undefined;
  const parts = await Promise.all(
    drawn.map(async ({ name, table: { columns, data, samples } }) => {
      const all = columns.map((column, j) => {
        const [ofData, ofSamples] = [data, samples].map((rows) => rows.map((row) => row[j]));
        return { name: column, data: ofData, samples: ofSamples, gap: largestGap(ofData, ofSamples) };
      });
      const worst = all.reduce((most, one) => (one.gap > most.gap ? one : most));
      const mean = all.reduce((sum, { gap }) => sum + gap, 0) / all.length;
      const apart = `${worst.name}, ${formatNumber(worst.gap, 2)} apart; ${formatNumber(mean, 2)} on average`;
      return panel(name, apart, await marginalChart(worst));
    }),
  );
  const [{ table }] = drawn;
  const caption = `Of each model that can generate the column in which ${counted(table.samples.length, "draw")} differ most from ${counted(table.data.length, "row")} of the ${table.split}: how far their cumulative shares are apart at most (0 is equal, 1 is without overlap; Kolmogorov–Smirnov), and that on average over ${counted(table.columns.length, "column")}.`;
  return {
    heading: "Samples against the data",
    figures: [{ body: [marginalLegend, html`<div class="multiples">${parts}</div>`], caption }],
  };
}

function rowsOf(models: readonly ComparedModel[], what: "reconstructions" | "samples"): readonly LabelledRow[] {
  return models.flatMap(({ name, [what]: images }) =>
    images && images.length > 0
      ? [{ label: name, images, alt: `${counted(images.length, "image")} by ${name}: ${what}` }]
      : [],
  );
}
