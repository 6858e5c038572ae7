import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { InputError } from "../../../src/errors.ts";

/** The path of a folder that is not there yet, nor is its parent; both are removed after the test. */
export function newFolder(): string {
  const base = mkdtempSync(join(tmpdir(), "reparam-run-"));
  chmodSync(base, 0o755); // the mode of mkdtemp would keep another user out before the tested mode does
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  return join(base, "runs", "a");
}

/** The message of the InputError, in one line, that the action throws. */
export function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).not.toContain("\n");
    return error.message;
  }
  throw new Error("expected an InputError");
}
