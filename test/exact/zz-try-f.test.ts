import { expect, it } from "vitest";
import { openEngine } from "#engine";
import { holds } from "../../src/systems/row.ts";
it("try", async () => {
  const engine = await openEngine({ engine: "native", threads: 1 });
  for (const r of (process.env.ROWS ?? "26").split(",")) {
    const t = process.cpuUsage();
    const mod = await import(`../../src/systems/rows/row-${r}.ts`);
    const row = mod[`row${r}`];
    const all = await row.measure(engine);
    for (const m of all) console.log(holds(m) ? "ok " : "BAD", m.what, "|", m.measured, m.expected, m.error, m.tolerance, m.planted ?? "");
    const u = process.cpuUsage(t);
    console.log(`row ${r} cpu ${(u.user + u.system) / 1e6} s`);
  }
}, 300000);
