import { mkdirSync, renameSync, rmSync } from "node:fs";
import { fileError, temporaryPath } from "../run/files.ts";

/**
 * A folder that comes to be as a whole or not at all: `fill` writes it under another name, `clear` removes what it replaces.
 * @throws InputError where it cannot be written.
 */
export async function writeWholeFolder(
  path: string,
  { fill, clear }: { readonly fill: (folder: string) => Promise<void>; readonly clear: () => void },
): Promise<void> {
  const place = path.replace(/[\\/]+$/, "");
  const temporary = temporaryPath(place);
  try {
    mkdirSync(temporary, { recursive: true });
  } catch (error) {
    throw fileError(place, "written", error);
  }
  try {
    await fill(temporary);
    clear();
    renameSync(temporary, place);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw fileError(place, "written", error);
  }
}
