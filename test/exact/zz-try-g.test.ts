import { it } from "vitest";
import { openEngine } from "#engine";
import { numbersOf, split, type Dataset } from "../../src/data/dataset.ts";
import { openDigits } from "../../src/systems/linear-vae.ts";
import { normalizingFlow } from "../../src/models/flow.ts";
import { describeData } from "../../src/models/model.ts";
import { realDataset } from "../../src/models/dequantize.ts";
import { moments } from "../../src/linalg/moments.ts";
import { factorPositive } from "../../src/linalg/positive.ts";
import { trainDensity, logDensities } from "../../src/systems/density-model.ts";
import { stream, permutation } from "../../src/random/stream.ts";
it("try", async () => {
  const engine = await openEngine({ engine: "native", threads: 1 });
  const digits: Dataset = { ...(await openDigits()), measure: "count" };
  const { train, validation } = split(digits, { seed: 1, fraction: 0.25 });
  const d = 64;
  const rowsOf = (ds: Dataset) => { const n = numbersOf(ds); return Array.from({length: ds.length}, (_, i) => Array.from(n.subarray(i*d,(i+1)*d))); };
  const held = realDataset(validation, 5);
  const rows = rowsOf(held);
  const m = moments(rowsOf(train));
  for (const shrink of [0]) {
  const cov = m.covariance.map((r, i) => r.map((v, j) => v + (i === j ? 1/12 : 0)));
  const mean = m.mean.map((v) => v + 0.5);
  const { solve, logDeterminant } = factorPositive(cov);
  var gauss = rows.map((r) => { const a = r.map((v, j) => v - mean[j]); const s = solve(a); return -0.5 * (a.reduce((t, v, j) => t + v * s[j], 0) + logDeterminant + d * Math.log(2*Math.PI)); });
  }
  console.log("gauss", gauss.reduce((a, b) => a + b) / gauss.length);
  for (const [transform, layers, hidden, mixing, steps, rate, batch] of [["autoregressive", 1, [128], "reverse", 600, 0.005, 100], ["autoregressive", 3, [128], "reverse", 400, 0.005, 100]] as const) {
    const t = process.cpuUsage();
    const description = describeData(train);
    const model = normalizingFlow({ transform, layers, hidden: [...hidden], mixing }, description);
    const p = await trainDensity(engine, model, { dataset: train, description }, { steps, rate, batchSize: batch, seed: 1 });
    const n = numbersOf(held);
    const logs = await logDensities(engine, model, p, { data: n, shape: [held.length, ...held.shape] });
    const diff = Array.from(logs, (v, i) => v - gauss[i]);
    const mu = diff.reduce((a, b) => a + b) / diff.length;
    const se = Math.sqrt(diff.reduce((a, b) => a + (b - mu) ** 2, 0) / (diff.length - 1) / diff.length);
    const u = process.cpuUsage(t);
    console.log(transform, layers, hidden, mixing, steps, rate, "diff", mu, "se", se, "cpu", (u.user + u.system) / 1e6);
  }
}, 300000);
