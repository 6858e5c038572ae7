/** A user's mistakes: each told in one line that names its place, with exit code 2, and nothing is written. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder, start } from "./command.ts";
import { type Mistake, oneProcess, refuses } from "./one-process.ts";
import { expectMistake, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(cwd, name), content);

/** An IDX file of bytes: the magic number, the sizes and zeros, of which the last few may be missing. */
function idx(sizes: readonly number[], { magic = 0x0800, missing = 0 } = {}): Uint8Array {
  const count = sizes.reduce((a, b) => a * b, 1);
  const bytes = Buffer.alloc(4 + 4 * sizes.length + count - missing);
  bytes.writeUInt32BE(magic | sizes.length);
  for (const [axis, size] of sizes.entries()) bytes.writeUInt32BE(size, 4 + 4 * axis);
  return bytes;
}

beforeAll(async () => {
  writeData(cwd);
  write("truncated-idx3-ubyte", idx([20, 8, 8], { missing: 3 }));
  write("truncated.gz", gzipSync(idx([20, 8, 8])).subarray(0, 30));
  write("magic-idx3-ubyte", idx([20, 8, 8], { magic: 0x0700 }));
  write("labels-idx1-ubyte", idx([20]));
  write("sizes-idx3-ubyte", idx([20, 9, 9]));
  write("empty.npy", "");
  write("noise.bin", Uint8Array.of(0x89, 0, 0xff, 0x13, 0, 7));
  write("text.csv", "a,b\n1,2\n");
  mkdirSync(join(cwd, "foreign"));
  write("foreign/thesis.tex", "years of work");
  write("typo.json", '{"learningrat": 0.1}');
  write("negative.json", '{"latents": -3}');
  write("together.json", '{"klPeriod": 3, "klWarmup": 5}');
  write("encoder.json", '{"encoder": "mlq 3"}');
  write("no.json", "latents: 3\nbatch: 4\n");
  write("list.json", "[1]");
  write("half.json", '{"latents": 3');
  await train("run", reparam, "--steps", "5");
});

const trainOn = (data: string, ...flags: readonly string[]): readonly string[] => [
  ...["train", data, "--out", "new/run", ...small, "--steps", "2"],
  ...flags,
];

describe("data", () => {
  refuses(cwd, reparam, [
    ["no such file", trainOn("nothing.npy"), /^nothing\.npy: no such file$/],
    [
      "a folder",
      trainOn("run"),
      /^run: expected at least 2 images, got none; put images there; \d+ files that are no images were skipped: /,
    ],
    ["an empty file", trainOn("empty.npy"), /^empty\.npy: the file is empty$/],
    [
      "another format",
      trainOn("noise.bin"),
      /^noise\.bin: byte 0: expected an IDX or \.npy file .*, got .* 89 00 ff 13$/,
    ],
    ["a table of one row", trainOn("text.csv"), /^text\.csv: expected two rows at least, got one$/],
    [
      "a truncated IDX file",
      trainOn("truncated-idx3-ubyte"),
      /^truncated-idx3-ubyte: byte 16: expected 1280 bytes for u1 of shape \[20,8,8\], got 1277: the file is truncated$/,
    ],
    [
      "a truncated gzip file",
      trainOn("truncated.gz"),
      /^truncated\.gz: not a sound gzip file \(unexpected end of file\)/,
    ],
    [
      "a wrong magic number",
      trainOn("magic-idx3-ubyte"),
      /^magic-idx3-ubyte: byte 0: expected .*, got .* 00 00 07 03$/,
    ],
    [
      "labels instead of images",
      trainOn("labels-idx1-ubyte"),
      /^labels-idx1-ubyte: .* got shape \[20\]: .*labels; give/,
    ],
    [
      "a test file of another size",
      trainOn("bytes.npy", "--test", "sizes-idx3-ubyte"),
      /^sizes-idx3-ubyte: examples of \[1, 9, 9\] do not fit the training data, \[1, 8, 8\] of bytes$/,
    ],
    [
      "a test file of other numbers",
      trainOn("unit.npy", "--test", "real.npy"),
      /^real\.npy: row 0, column 0 \(from 0\): expected a number of the measure "unit", got -3$/,
    ],
    [
      "a test file that does not fit the embedded data",
      ["train", "--test", "bytes.npy", "--out", "new/run"],
      /^bytes\.npy: examples of \[1, 8, 8\] do not fit the training data, \[1, 28, 28\] of bytes$/,
    ],
    [
      "too large a batch",
      trainOn("bytes.npy", "--batch", "181"),
      /^--batch 181: more than the 180 training examples; /,
    ],
    [
      "no examples left to train on",
      trainOn("bytes.npy", "--validation", "0.9999"),
      /^bytes\.npy: validation fraction: .* 200 examples on either side, got 0\.9999$/,
    ],
  ]);
});

describe("a likelihood that is no density on the data", () => {
  const is = (likelihood: string, measure: string): RegExp =>
    new RegExp(`^--likelihood ${likelihood} is no density on ${measure} data; use --likelihood \\w+`);
  refuses(cwd, reparam, [
    ["Normal on bytes", trainOn("bytes.npy", "--likelihood", "normal"), is("normal", "bytes")],
    ["Bernoulli on real numbers", trainOn("real.npy", "--likelihood", "bernoulli"), is("bernoulli", "real")],
    ["discretised logistic on real numbers", trainOn("real.npy", "--likelihood", "logistic"), is("logistic", "real")],
    [
      "Bernoulli on bytes that are not binarised",
      trainOn("bytes.npy", "--likelihood", "bernoulli", "--binarize", "none"),
      /^--likelihood bernoulli with --binarize none is no density on bytes data: .*; use /,
    ],
    [
      "Bernoulli on fractions that are not binarised",
      trainOn("unit.npy", "--likelihood", "bernoulli", "--binarize", "none"),
      /^--likelihood bernoulli with --binarize none is no density on unit data: .*; use /,
    ],
  ]);
});

describe("options", () => {
  const wrong = (flag: string, value: string, message: RegExp): Mistake => [
    `${flag} ${JSON.stringify(value)}`,
    trainOn("bytes.npy", flag, value),
    message,
  ];
  refuses(cwd, reparam, [
    wrong("--batch", "0", /^--batch: .*above 0.*, got 0$/),
    wrong("--epochs", "-3", /^--epochs: .*above 0.*, got -3$/),
    wrong("--latents", "2.5", /^--latents: expected int.*, got 2\.5$/),
    wrong("--steps", "Infinity", /^--steps: expected number.*, got Infinity$/),
    wrong("--learning-rate", "0", /^--learning-rate: .*above 0.*, got 0$/),
    wrong("--learning-rate", "NaN", /^--learning-rate: expected number.*, got "NaN"$/),
    wrong("--learning-rate", "", /^--learning-rate: a value is expected, got ""$/),
    wrong("--learning-rate", "1e-3x", /^--learning-rate: expected number.*, got "1e-3x"$/),
    wrong("--validation", "1", /^--validation: .*below 1 is expected, got 1$/),
    wrong("--kl-weight", "-1", /^--kl-weight: a number of 0 or more is expected, got -1$/),
    wrong("--clip", "-0.5", /^--clip: .*above 0.*, got -0\.5$/),
    wrong("--seed", "1e300", /^--seed: .*, got 1e\+300$/),
    wrong("--threads", "0", /^--threads: .*above 0.*, got 0$/),
    wrong("--optimizer", "adma", /^--optimizer: one of adam, adamw, sgd is expected; did you mean adam\?, got "adma"$/),
    wrong("--engine", "gpu", /^--engine: one of native, wasm is expected.*, got "gpu"$/),
    wrong("--encoder", "mlp", /^--encoder: "mlp WIDTH …", "conv CHANNELS,…".* or "linear".* is expected, got "mlp"$/),
    wrong("--encoder", "mlp 16 -4", /^--encoder: .* got "mlp 16 -4"$/),
    wrong("--encoder", "conv 4,4,4,4,4", /^an image of 8×8 cannot be halved 5 times; /),
    wrong("--encoder", "mlp 99999 99999", /^the model's parameters, .* take 298\.\d GiB, .*; use a smaller model$/),
    wrong(
      "--model",
      "mine.ts",
      /^--encoder: is part of a built-in model; with --model the module mine\.ts decides it$/,
    ),
    wrong("--optimiser", "adam", /^unknown option '--optimiser'; did you mean --optimizer\?$/),
    wrong("--out", "", /^--out: a value is expected, got ""$/),
    [
      "a conv network on a table",
      trainOn("binary.npy", "--encoder", "conv 4"),
      /^a conv network needs images .*, got \[6\]/,
    ],
    [
      "a KL weight that never reaches its height",
      trainOn("bytes.npy", "--kl-period", "5", "--kl-warmup", "10"),
      /^--kl-period: 5 must be more than the KL warm-up of 10 steps/,
    ],
    [
      "two data files",
      ["train", "bytes.npy", "unit.npy"],
      /^too many arguments for 'train'\. .* `reparam train --help`$/,
    ],
    ["an empty word for the data", ["train", ""], /^DATA: a value is expected, got ""$/],
    ["no model module", ["train", "real.npy", "--model", "mine.ts"], /^mine\.ts: no such model module$/],
  ]);
});

describe("a config file", () => {
  const config = (file: string, message: RegExp): Mistake => [file, trainOn("bytes.npy", "--config", file), message];
  // The flags of `small` would go before what is wrong in these.
  const alone = (file: string, message: RegExp): Mistake => [
    file,
    ["train", "bytes.npy", "--config", file, "--out", "new/run"],
    message,
  ];
  refuses(cwd, reparam, [
    config("nothing.json", /^nothing\.json: cannot be read; /),
    config("typo.json", /^typo\.json: learningrat is not an option; did you mean learningRate\?/),
    config("no.json", /^no\.json: is not JSON: .*/),
    config("half.json", /^half\.json: is not JSON: .*/),
    config("list.json", /^list\.json: an object of options is expected/),
    config("together.json", /^together\.json: klPeriod: 3 must be more than the KL warm-up of 5 steps/),
    alone("negative.json", /^negative\.json: latents: .*above 0.*, got -3$/),
    alone("encoder.json", /^encoder\.json: encoder: "mlp WIDTH …", .* is expected, got "mlq 3"$/),
  ]);
});

describe("the run's folder", () => {
  refuses(cwd, reparam, [
    [
      "holds a run",
      trainOn("bytes.npy", "--out", "run"),
      /^run: exists: --resume run to go on, --force to replace it$/,
    ],
    ["holds something else", trainOn("bytes.npy", "--out", "foreign"), /^foreign: is not a run folder: /],
    [
      "holds something else, with --force",
      trainOn("bytes.npy", "--out", "foreign", "--force"),
      /^foreign: is not a run/,
    ],
    ["is a file", trainOn("bytes.npy", "--out", "bytes.npy"), /^bytes\.npy: .*, expected a folder/],
    ["would be in a file", trainOn("bytes.npy", "--out", "bytes.npy/run"), /^bytes\.npy\/run: .*, expected a folder/],
    ["to resume is not there", ["train", "--resume", "nothing"], /^nothing: there is no such folder; /],
    ["to resume is no run", ["train", "--resume", "foreign"], /^foreign: is not a run folder: it has no config\.json/],
    [
      "to replace has a mistake in its options",
      trainOn("bytes.npy", "--out", "run", "--force", "--seed", "-1"),
      /^--seed: /,
    ],
    ...[["--seed", "3"], ["--out", "b"], ["--config", "run/config.json"], ["--force"], ["bytes.npy"]].map(
      (more): Mistake => [
        `is resumed with ${more[0]}`,
        ["train", "--resume", "run", ...more],
        new RegExp(
          `^--resume goes on with the options of run; leave out ${more[0].replace("bytes.npy", "DATA")}, or start`,
        ),
      ],
    ),
  ]);

  it("is in use by another process, which goes on undisturbed", async () => {
    const writer = start(["train", "bytes.npy", ...small, "--steps", "100000", "--out", "busy"], { cwd });
    await writer.said("training busy");
    const inUse = new RegExp(`^busy: is in use by process ${writer.pid} since .*: wait for it or stop it$`);
    expectMistake(await reparam(["train", "--resume", "busy"]), inUse);
    expectMistake(await reparam(trainOn("bytes.npy", "--out", "busy", "--force")), inUse);
    writer.kill("SIGINT");
    expect((await writer.ended).code).toBe(130);
    const resumed = start(["train", "--resume", "busy"], { cwd });
    await resumed.said("training busy from step");
    resumed.kill("SIGKILL");
  });
});

describe("evaluate", () => {
  const evaluate = (...args: readonly string[]): readonly string[] => ["evaluate", "run", ...args];
  refuses(cwd, reparam, [
    ["nothing", ["evaluate"], /^missing required argument 'run'; see `reparam evaluate --help`$/],
    ["no run", ["evaluate", "nothing"], /^nothing: there is no such folder; /],
    ["--samples 0", evaluate("--samples", "0"), /^--samples: an integer of 1 or more is expected, got "0"$/],
    ["--limit 1.5", evaluate("--limit", "1.5"), /^--limit: .*, got "1\.5"$/],
    ["--chunk -1", evaluate("--chunk", "-1"), /^--chunk: .*, got "-1"$/],
    ["--threads NaN", evaluate("--threads", "NaN"), /^--threads: .*, got "NaN"$/],
    ["--seed 1e30", evaluate("--seed", "1e30"), /^--seed: an integer of 0 or more is expected, got "1e30"$/],
    ["--engine gpu", evaluate("--engine", "gpu"), /^--engine: native or wasm is expected, got "gpu"$/],
    ["--smaples", evaluate("--smaples", "3"), /^unknown option '--smaples'; did you mean --samples\?$/],
    [
      "a part that does not exist",
      evaluate("--split", "dev"),
      /^--split: test, validation, train is expected, got "dev"$/,
    ],
    [
      "a part that the run has not",
      evaluate("--split", "test"),
      /^--split test: this run has no test data; name a file, or use validation$/,
    ],
    [
      "a part of other data",
      evaluate("--data", "bytes.npy", "--split", "train"),
      /^--split names a part of the run's own/,
    ],
    [
      "data of another size",
      evaluate("--data", "sizes-idx3-ubyte"),
      /^sizes-idx3-ubyte: examples of \[1, 9, 9\] do not fit/,
    ],
    [
      "data of other numbers",
      evaluate("--data", "real.npy"),
      /^real\.npy: row 0, column 0 \(from 0\): expected a number of the measure "bytes", got -3$/,
    ],
  ]);
});
