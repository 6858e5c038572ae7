import { writeFileSync } from "node:fs";
import { it } from "vitest";
import { openEngine } from "#engine";
import { svgFile } from "../../src/report/svg-file.ts";
it("try", async () => {
  const engine = await openEngine({ engine: "native", threads: 1 });
  for (const name of (process.env.PIC ?? "").split(",")) {
    const t = process.cpuUsage();
    const mod = await import(`../../src/systems/${name}.ts`);
    const [fn] = Object.values(mod) as any[];
    for (const one of await fn(engine)) {
      const svg = await svgFile(one);
      console.log(one.name, svg.length);
      writeFileSync(`/tmp/try-sysf/${one.name}.svg`, svg);
    }
    const u = process.cpuUsage(t);
    console.log(name, "cpu", (u.user + u.system) / 1e6);
  }
}, 300000);
