/** Models of a module of the user's own: with a posterior, and with two maps; what is wrong with them is told in one line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../../src/errors.ts";
import { type AnyModel, describeData, isPointModel } from "../../src/models/model.ts";
import { densityProgram, encoderProgram, trainingProgram } from "../../src/models/programs.ts";
import { programsIn } from "../../src/run/artifacts.ts";
import { loadUserModel } from "../../src/run/user-model.ts";
import { examplesOf } from "./family-entries.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-module-"));
afterAll(() => rmSync(folder, { recursive: true }));

const description = describeData(examplesOf("real"));
let modules = 0;

/** The model of a module with this source; a path of its own, as modules are cached. */
function made(source: string, data = description): Promise<AnyModel> {
  modules += 1;
  const path = join(folder, `mine-${modules}.ts`);
  writeFileSync(path, source);
  return loadUserModel(path, data);
}

/** A model of two matrices, with its parts changed. */
const linear = (change = ""): string => `
  import { matmul, parameter, square, sub, sum } from "reparam/tensor";
  export default ({ shape: [d] }) => {
    const inward = parameter("encoder/weight", [d, 2], { kind: "normal", scale: 0.1 });
    const outward = parameter("decoder/weight", [2, d], { kind: "normal", scale: 0.1 });
    const encode = (x) => matmul(x, inward);
    const decode = (z) => matmul(z, outward);
    return {
      latents: 2, encode, decode,
      terms: (x) => ({ squaredError: sum(square(sub(x, decode(encode(x)))), [-1]) }),
      gauge: { term: "squaredError", better: "smaller" },
      ${change}
    };
  };`;

describe("a module's model of two maps", () => {
  it("is trained by what it tells, and has the programs of its maps", async () => {
    const model = await made(linear());
    expect(isPointModel(model)).toBe(true);
    expect(programsIn(model, description)).toEqual(["encoder", "decoder"]);
    expect(Object.keys(trainingProgram(model, description).terms)).toEqual(["squaredError"]);
  });

  it("may be one of the package's, whose density takes noise for each sample", async () => {
    const flow = `import { normalizingFlow } from "reparam"; export default (data) => normalizingFlow({ layers: 1 }, data);`;
    const bytes = describeData(examplesOf("bytes"));
    const model = await made(flow, bytes);
    expect(programsIn(model, bytes)).toEqual(["encoder", "decoder", "prior", "density"]);
    expect(densityProgram(model, bytes)?.logProb.shape).toEqual(["samples", "batch"]);
  });
});

describe("a module's model keeps what the package's has:", () => {
  const adversarial = `import { adversarialAutoencoder } from "reparam";
    export default (data) => adversarialAutoencoder({ vae: { latents: 2, likelihood: "normal" } }, data);`;

  it("the phases of a game", async () => {
    const model = await made(adversarial);
    const { phases = [] } = trainingProgram(model, description);
    expect(phases.map(({ name }) => name)).toContain("discriminator");
  });
});

describe("is refused in one line:", () => {
  it.each<[string, string, RegExp]>([
    ["no maps", "export default () => ({ latents: 2 });", /: the model needs latents .*, or encode, decode and terms/],
    ["a code of another width", linear("latents: 3,"), /: encode: \[batch, 3\] is expected, .* got \[batch,2\]$/],
    ["no tensor", linear("encode: () => 1,"), /: encode: a tensor is expected to be returned, got number$/],
    ["an exception", linear("encode: () => null.x,"), /: encode: Cannot read properties of null/],
    [
      "another shape",
      linear("decode: (z) => z,"),
      /: decode: \[batch, 5\] is expected, as the data are, got \[batch,2\]$/,
    ],
    [
      "a term that is not told",
      linear('gauge: { term: "error", better: "smaller" },'),
      /: terms: error, which gauge names, is expected, got squaredError$/,
    ],
    [
      "no direction",
      linear('gauge: { term: "squaredError", better: "less" },'),
      /: gauge\.better: "larger" or "smaller" is expected, got "less"$/,
    ],
    [
      "a density without a prior",
      linear("logProb: (x) => sum(x, [-1]),"),
      /: logProb: a model with a density needs a prior too/,
    ],
  ])("%s", async (_, source, message) => {
    const building = made(source).then((model) => {
      encoderProgram(model, description);
      return [trainingProgram(model, description), programsIn(model, description)];
    });
    await expect(building).rejects.toThrow(message);
    await expect(building).rejects.toBeInstanceOf(InputError);
    await expect(building.catch(({ message: line }: Error) => line)).resolves.not.toContain("\n");
  });
});
