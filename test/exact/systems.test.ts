import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import type { Engine } from "../../src/runtime/engine.ts";
import { EXACT, type Measurement, relativeToLargest } from "../../src/systems/row.ts";
import { systemRows } from "../../src/systems/rows/index.ts";
import { jointStep } from "../../src/systems/rows/row-13.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

describe.each(systemRows)("row $row: $title", ({ measure }) => {
  let measurements: readonly Measurement[];
  beforeAll(async () => {
    measurements = await measure(engine);
  });

  it("holds everything that it claims", () => {
    expect(measurements.length).toBeGreaterThan(0);
    for (const { what, measured, expected, error, tolerance, planted } of measurements) {
      expect(error, `${what}: ${measured} against ${expected}`).toBeLessThanOrEqual(tolerance);
      if (planted !== undefined) expect(planted, `${what}: a bias of 5 %`).toBeGreaterThan(tolerance);
    }
  });

  it("claims nothing that is trivially so", () => {
    for (const { what, measured, tolerance, because } of measurements) {
      expect(Math.abs(measured), what).toBeGreaterThan(0.01);
      if (because === undefined) expect(tolerance, what).toBeLessThanOrEqual(EXACT.float32);
    }
  });
});

it("row 13 would show a side that moves after the other", async () => {
  for (const { side, moved, fromNew } of await jointStep(engine)) {
    expect(relativeToLargest(moved, fromNew), side.side).toBeGreaterThan(100 * EXACT.float32);
  }
});
