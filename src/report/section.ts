import { type Html, type HtmlPart, html } from "./html.ts";

/** A part of the page under its own heading. */
export interface Section {
  readonly heading: string;
  readonly figures: readonly Figure[];
  /** Paragraphs after the figures. */
  readonly text?: readonly string[];
}

/** What the page numbers, with words that say exactly what is shown. */
export interface Figure {
  readonly body: HtmlPart;
  readonly caption: HtmlPart;
}

/** A part of a figure under a small title of its own. */
export function panel(title: string, detail: string, body: HtmlPart): Html {
  return html`<div><p class="title"><b>${title}</b> <span>${detail}</span></p>${body}</div>`;
}

/** Parts side by side where the page is wide enough. */
export function panels(...parts: readonly HtmlPart[]): Html {
  return html`<div class="panels">${parts}</div>`;
}

/** 1,000 examples; 1 example. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? singular : plural}`;
}
