import { extname } from "node:path";
import { InputError } from "../errors.ts";
import { type PictureFile, svgFile } from "../report/svg-file.ts";
import { writeAtomically } from "../run/files.ts";
import { checkPlace } from "./outputs.ts";

/** Where a drawing goes, and by which flag that was said. */
export interface DrawingPlace {
  readonly flag: string;
  readonly path: string;
  readonly force?: boolean;
}

/** The extension of a place for a drawing, one of those allowed; refused where something is there already, or no folder. */
export function drawingKind<const K extends string>({ flag, path, force }: DrawingPlace, allowed: readonly K[]): K {
  const extension = extname(path).slice(1).toLowerCase();
  const kind = allowed.find((one) => one === extension);
  if (kind === undefined) {
    throw new InputError(`${flag} ${path}: expected ${allowed.map((one) => `.${one}`).join(", ")}`);
  }
  checkPlace(flag, path, { force });
  return kind;
}

/** Writes a drawing as .svg, or as .png with two pixels to a point. */
export async function writePicture(path: string, picture: PictureFile): Promise<void> {
  const svg = await svgFile(picture);
  if (extname(path).toLowerCase() === ".svg") {
    writeAtomically(path, svg);
    return;
  }
  const { default: sharp } = await import("sharp");
  writeAtomically(path, await sharp(Buffer.from(svg), { density: 144 }).png().toBuffer());
}
