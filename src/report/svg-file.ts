import type { TopLevelSpec } from "vega-lite";
import { draw } from "./charts.ts";
import { style } from "./style.ts";

/** A drawing that is a file of its own: what it shows, and what it says to those who do not see it. */
export interface PictureFile {
  readonly caption: string;
  readonly spec: TopLevelSpec;
}

/** The page's colours by name, as they are in the light: what follows in the sheet is for the dark. */
const colours = new Map<string, string>();
for (const [, name, colour] of style.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)) {
  if (!colours.has(name)) colours.set(name, colour);
}

/** A colour of the report's style by its name there. */
export function colour(name: string): string {
  const found = colours.get(name);
  if (found === undefined) throw new Error(`the report's style has no colour ${name}`);
  return found;
}

/** Room around the drawing, so that it stands off a dark page. */
const MARGIN = 12;

/** A point as Vega draws it, two arcs about a place: as a circle it is half as long. */
const CIRCLE = /<path transform="translate\(([^,]+),([^)]+)\)" d="M([\d.]+),0A\3,\3,0,1,1,-\3,0A\3,\3,0,1,1,\3,0"/g;

/** A picture as a file of its own: on a light ground in any page, with fixed colours and its own size. */
export async function svgFile({ caption, spec }: PictureFile): Promise<string> {
  const { markup } = await draw(spec, caption);
  const box = /viewBox="([^"]*)"/.exec(markup)?.[1] ?? "";
  const [left, top, width, height] = box.split(/[ ,]+/).map(Number);
  const [x, y, w, h] = [left - MARGIN, top - MARGIN, Math.ceil(width) + 2 * MARGIN, Math.ceil(height) + 2 * MARGIN];
  const drawing = markup
    .slice(markup.indexOf(">") + 1, markup.lastIndexOf("</svg>"))
    .replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, "") // each mark's own: the picture has one label
    .replace(/-?\d+\.\d{3,}(?=[^<>]*>)/g, (number) => String(Math.round(100 * Number(number)) / 100))
    .replace(CIRCLE, '<circle cx="$1" cy="$2" r="$3"')
    .replace(/ xlink:href=/g, " href=") // SVG 2 needs no namespace for it
    .replace(/var\(--([\w-]+)\)/g, (_, name: string) => colour(name));
  const label = /aria-label="([^"]*)"/.exec(markup)?.[1] ?? "";
  const ground = `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="6" fill="${colour("paper")}"/>`;
  const opening = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x} ${y} ${w} ${h}" width="${w}" height="${h}" role="img">`;
  return `${opening}<title>${label}</title>${ground}${drawing}</svg>\n`;
}
