import { it } from "vitest";
import { openEngine } from "#engine";
import { numbersOf, subset } from "../../src/data/dataset.ts";
import { kernelPca } from "../../src/models/kernel-pca-model.ts";
import { describeData } from "../../src/models/model.ts";
import { decoderProgram, encoderProgram } from "../../src/models/programs.ts";
import { compile } from "../../src/runtime/compile.ts";
import { examplesOf } from "../contract/family-entries.ts";
it("x", async () => {
  const engine = await openEngine({ engine: "native", threads: 1 });
  const dataset = examplesOf("real");
  for (const centred of [true, false]) {
    const description = { ...describeData(dataset) };
    (globalThis as any).ZZ = centred;
    const model = kernelPca({ latents: 2, zzz: centred } as never, description);
    const fit = await model.rule!.open({ engine, dataset, seed: 0 });
    await fit.step();
    const values = fit.parameters();
    const big = Math.max(...Array.from(values.get("decoder/dual")!.data).map(Math.abs));
    const enc = await compile(engine, encoderProgram(model, description), { values });
    const dec = await compile(engine, decoderProgram(model), { values });
    const run = async (idx: number[]) => {
      const part = subset(dataset, idx);
      const x = { data: Float32Array.from(numbersOf(part)), shape: [idx.length, 5] };
      const { mean: z } = await enc.run({ x });
      const { mean: y } = await dec.run({ z });
      return { z: Array.from(z.data), y: Array.from(y.data) };
    };
    const idx = Array.from({ length: 60 }, (_, i) => i);
    const all = await run(idx);
    let [dz, dy] = [0, 0];
    for (const i of idx) {
      const one = await run([i]);
      for (let j = 0; j < 2; j++) dz = Math.max(dz, Math.abs(one.z[j] - all.z[2 * i + j]));
      for (let j = 0; j < 5; j++) dy = Math.max(dy, Math.abs(one.y[j] - all.y[5 * i + j]));
    }
    console.log(centred, "dual", big, "dz", dz, "dy", dy);
  }
});
