import { InputError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";
import type { ReadingOptions } from "./reading.ts";

export function isTable(bytes: Uint8Array): boolean {
  return !bytes.includes(0) && bytes.every((byte) => byte >= 9);
}

export async function openTable(path: string, _options: ReadingOptions): Promise<Dataset> {
  throw new InputError(`${path}: tables are not read yet`);
}
