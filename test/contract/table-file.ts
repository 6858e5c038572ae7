/** A table file of a test's own, and what it gives. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { openTable, type TableOptions } from "../../src/data/table/table.ts";
import { InputError } from "../../src/errors.ts";

export const folder = mkdtempSync(join(tmpdir(), "reparam-table-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
export const path = join(folder, "t.csv");

export function open(content: string | Uint8Array, options: TableOptions = {}): Promise<Dataset> {
  writeFileSync(path, content);
  return openTable(path, options);
}

export function rowsOf(dataset: Dataset): number[][] {
  return Array.from({ length: dataset.length }, (_, row) => {
    const out = new Float32Array(dataset.shape[0]);
    dataset.read([row], out);
    return [...out];
  });
}

/** The message that opening it ends in, without the path that it begins with: one line. */
export async function refusal(content: string | Uint8Array, options: TableOptions = {}): Promise<string> {
  return messageOf(
    await open(content, options).then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  );
}

/** The message of an InputError about the table. Throws any other error. */
export function messageOf(error: unknown): string {
  if (!(error instanceof InputError)) throw error ?? new Error("expected an InputError, got a dataset");
  // Nothing in it may break the line or steer a terminal.
  expect(error.message).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,500}$/u);
  expect(error.message.startsWith(`${path}: `)).toBe(true);
  return error.message.slice(path.length + 2);
}

export const lines = (...all: readonly string[]): string => `${all.join("\n")}\n`;
