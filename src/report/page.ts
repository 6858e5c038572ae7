import { Html, type HtmlPart, html } from "./html.ts";
import type { Section } from "./section.ts";
import { style } from "./style.ts";

/** One HTML page that needs nothing else: no script, no request, all text from outside escaped. */
export function page(title: string, main: HtmlPart): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`.markup;
}

/** The sections one after another, their figures counted through the page. */
export function numbered(sections: readonly Section[]): HtmlPart {
  let figure = 0;
  return sections.map(({ heading, figures, text = [] }) => [
    html`<h2>${heading}</h2>\n`,
    ...figures.map(({ body, caption }) => {
      figure += 1;
      return html`<figure>${body}<figcaption><b>Figure ${figure}.</b> ${caption}</figcaption></figure>\n`;
    }),
    ...text.map((paragraph) => html`<p>${paragraph}</p>\n`),
  ]);
}

/** The last line of a page, and before it whether the page holds some of the data. */
export function footerWords(held: "images" | "rows" | undefined): string {
  const warning = held && `This page holds ${held} from the data: share it only where the data may be shared. `;
  return `${warning ?? ""}Made by Reparam; a single file that loads nothing.`;
}
