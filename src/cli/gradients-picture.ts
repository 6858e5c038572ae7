import { existsSync } from "node:fs";
import { dirname, extname } from "node:path";
import { InputError } from "../errors.ts";
import { type PictureFile, svgFile } from "../report/svg-file.ts";
import { writeAtomically } from "../run/files.ts";
import type { OutFlags } from "./flags.ts";
import { outputKind } from "./outputs.ts";

/** Whether a path can be written, as a drawing (.svg, .png) or in another way; refused where something is there already. */
export function drawingKind<const K extends "json" | never>(
  flags: OutFlags & { readonly out: string },
  others: readonly K[],
): "svg" | "png" | K {
  const { out, force } = flags;
  if (extname(out).toLowerCase() === ".svg") {
    if (!force && existsSync(out)) throw new InputError(`${out}: exists; --force replaces it, or choose another name`);
    if (!existsSync(dirname(out))) {
      throw new InputError(`--out ${out}: there is no folder ${dirname(out)}; make it, or choose another place`);
    }
    return "svg";
  }
  const known = ["png", ...others] as const;
  const kind = outputKind(flags, known);
  return known.find((one) => one === kind) ?? "png";
}

/** Writes a drawing as the file's extension says. */
export async function writePicture(path: string, picture: PictureFile): Promise<void> {
  const svg = await svgFile(picture);
  if (extname(path).toLowerCase() === ".svg") {
    writeAtomically(path, svg);
    return;
  }
  const { default: sharp } = await import("sharp");
  writeAtomically(path, await sharp(Buffer.from(svg), { density: 192 }).png().toBuffer());
}
