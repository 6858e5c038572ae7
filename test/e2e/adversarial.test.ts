/** Games by the command: labels that choose the prior's component, and a game that goes wrong. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { stream } from "../../src/random/stream.ts";
import { newFolder } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { expectMistake } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const game = ["--model", "adversarial-autoencoder", "--latents", "2", "--encoder", "mlp 16", "--discriminator", "16"];
const common = ["table.csv", ...game, "--label", "kind", "--evaluation-samples", "2", "--threads", "1"];

/** The command, which must end well: what it said. */
async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await reparam(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

beforeAll(() => {
  const from = stream(5, "table");
  const rows = Array.from({ length: 240 }, (_, i) => {
    const kind = i % 3;
    return [...[0, 1, 2].map((j) => (j === kind ? 4 : 0) + from.normal()), ["ash", "oak", "elm"][kind]].join(",");
  });
  writeFileSync(join(cwd, "table.csv"), `${["a,b,c,kind", ...rows].join("\n")}\n`);
});

it("labels choose the component: a class is sampled, codes are held against the prior of their classes", async () => {
  const choice = ["--prior", "classes", "--condition", "label", "--steps", "800", "--learning-rate", "0.005"];
  const told = await done("train", ...common, ...choice, "--out", "classes");
  expect(told).toMatch(/^energy distance +−?[\d.]+(e−\d+)? ± \S+ of codes to p\(z\) /m);
  await done("sample", "classes", "--class", "oak", "--count", "40", "--mean", "--out", "oaks.csv");
  const [names, ...rows] = readFileSync(join(cwd, "oaks.csv"), "utf8").trim().split(/\r?\n/);
  const columns = names.split(",");
  const largest = rows.map((row) => {
    const cells = row.split(",");
    const values = ["a", "b", "c"].map((name) => Number(cells[columns.indexOf(name)]));
    return values.indexOf(Math.max(...values));
  });
  // Oaks have the largest b: their mode decodes to it. Guessing would give a third.
  expect(largest.filter((column) => column === 1).length).toBeGreaterThan(30);
});

it("what a game does not have, and a batch that says nothing of codes, are refused; a config that has it goes on", async () => {
  const refused = async (message: RegExp, ...args: readonly string[]): Promise<void> =>
    expectMistake(await reparam(["train", "table.csv", "--label", "kind", ...args, "--out", "refused"]), message);
  const best = /^--patience: needs a number that tells the best epoch, and this model is trained by a game/;
  await refused(best, ...game, "--patience", "2");
  await refused(/^--keep: needs a number that tells the best epoch/, ...game, "--keep", "best");
  const module = `
    import { dense, normal, standardNormal } from "reparam";
    import { add, mean, sub } from "reparam/tensor";
    const unit = (location) => normal(location, add(1, sub(location, location)));
    export default ({ shape: [d] }) => ({
      latents: 2,
      prior: standardNormal(2),
      encoder: (x) => unit(dense("encoder/mean", d, 2)(x)),
      decoder: (z) => unit(dense("decoder/mean", 2, d)(z)),
      phases: ({ reconstruction, rate }) => [
        { name: "one", loss: mean(sub(rate, reconstruction)), moves: ["encoder/"] },
        { name: "two", loss: mean(sub(rate, reconstruction)), moves: ["decoder/"] },
      ],
    });`;
  writeFileSync(join(cwd, "game.ts"), module);
  await refused(best, "--model", "./game.ts", "--patience", "2");
  const small =
    /^--batch 1: this model compares the codes of a batch with draws of the prior; give 2 examples or more$/;
  await refused(small, ...game, "--batch", "1");
  await refused(small, "--model", "wasserstein-autoencoder", "--batch", "1");
  const own = `import { vaeSchema, wassersteinAutoencoder } from "reparam";
    const vae = { ...vaeSchema.parse({ latents: 2 }), likelihood: "normal" };
    export default (data) => wassersteinAutoencoder({ vae }, data);`;
  writeFileSync(join(cwd, "own.ts"), own);
  await refused(small, "--model", "./own.ts", "--batch", "1");
  expect(existsSync(join(cwd, "refused"))).toBe(false);

  writeFileSync(join(cwd, "given.json"), JSON.stringify({ patience: 2, keep: "last", steps: 8 }));
  await done("train", ...common, "--config", "given.json", "--out", "given");
  await done("train", "--resume", "given");
});

it("a game that goes wrong is told in a line of the evaluation", async () => {
  const absurd = ["--learning-rate", "2", "--decay", "none", "--epochs", "12"];
  await done("train", ...common, ...absurd, "--out", "wrong");
  const { remarks } = JSON.parse(await done("evaluate", "wrong", "--json"));
  expect(remarks.join("\n")).toMatch(
    /^(adversarial training |the discriminator wins|the codes do not follow the prior)/m,
  );
});
