import { expect } from "vitest";
import { InputError } from "../../../src/errors.ts";

type Calls = Readonly<Record<string, unknown>>;
type Before = (name: string, args: readonly unknown[]) => void;

/** Called before every synchronous call of the file system, where `node:fs` is mocked by `observed`. */
export const disk: { before: Before } = { before: () => {} };

/** The functions of `node:fs`, those named …Sync told to `disk.before`, which may throw in their place. */
export function observed(actual: Calls): Calls {
  const entries = Object.entries(actual).map(([name, value]) => {
    if (typeof value !== "function" || !name.endsWith("Sync")) return [name, value];
    const call = (...args: readonly unknown[]): unknown => {
      disk.before(name, args);
      return Reflect.apply(value, undefined, args);
    };
    return [name, call];
  });
  return Object.fromEntries(entries);
}

/** What `during` does, before the n-th call of the file system that `action` makes. Tells whether it made so many. */
export function interrupt(n: number, during: Before, action: () => void): boolean {
  let calls = 0;
  disk.before = (name, args) => {
    calls++;
    if (calls === n) unobserved(() => during(name, args));
  };
  try {
    action();
  } finally {
    disk.before = () => {};
  }
  return calls >= n;
}
