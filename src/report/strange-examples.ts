import { type Html, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";
import { natsLabel, tiles } from "./picture.ts";
import type { StrangeExamples } from "./report-input.ts";

/** More columns are not read on a page. */
const MOST_COLUMNS = 12;

/** Images with their scores, or a table of rows; nothing where there are none. `what` is for those who do not see them. */
export async function strangeExamples(examples: StrangeExamples, what: string): Promise<Html | undefined> {
  if (examples.kind === "images") {
    if (examples.images.length === 0) return undefined;
    return tiles(
      examples.images.map(({ image, score, source }, i) => ({
        images: [image],
        alt: `${what}, example ${i + 1}${source === undefined ? "" : ` (${source})`}: log p(x) ${natsLabel(score)} nats`,
        labels: [natsLabel(score), ...(source === undefined ? [] : [fileName(source)])],
      })),
    );
  }
  const { columns, rows } = examples;
  if (rows.length === 0) return undefined;
  const shown = columns.slice(0, MOST_COLUMNS);
  const withSource = rows.some(({ source }) => source !== undefined);
  const more =
    columns.length > shown.length && html`<p class="stamp">The first ${shown.length} of ${columns.length} columns.</p>`;
  return html`<div class="scroll" tabindex="0"><table class="rows-of-data">
<thead><tr><th scope="col">log p(x)</th>${withSource ? html`<th scope="col">from</th>` : undefined}${shown.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ values, score, source }) =>
      html`<tr><td><b>${natsLabel(score)}</b></td>${withSource ? html`<td>${source}</td>` : undefined}${values
        .slice(0, MOST_COLUMNS)
        .map((value) => html`<td>${Number.isNaN(value) ? "missing" : formatNumber(value)}</td>`)}</tr>\n`,
  )}</tbody>
</table></div>${more || undefined}`;
}

/** The last part of a path: below an image there is no room for more. */
function fileName(source: string): string {
  return source.split(/[\\/]/).at(-1) ?? source;
}
