/** `reparam doctor` and the frame around all commands, as a user runs them, from the built package. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Findings, warningsAbout } from "../../src/cli/doctor.ts";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

const moduleUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

function reparam(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, ...environment },
  });
  return { status, stdout, stderr };
}

describe("reparam doctor", () => {
  it("tests and measures the engine, for people", () => {
    const { status, stdout, stderr } = reparam(["doctor"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    for (const row of [
      /^reparam \d+\.\d+\.\d+$/m,
      /^ {2}engine +(native|wasm), [12] threads?$/m,
      /^ {2}installed +(onnxruntime-node \d+\.\d+\.\d+, )?onnxruntime-web \d+\.\d+\.\d+$/m,
      /^ {2}self-test +passed, relative error \d\.\de-\d+ against float64$/m,
      /^ {2}speed +[1-9][\d,]* GFLOP\/s /m,
      /^ {2}processor +\S.*, \d+ cores?/m,
      /^ {2}telemetry +off$/m,
    ]) {
      expect(stdout).toMatch(row);
    }
    expect(stdout).not.toContain("\x1b");
  });

  it("tells programs the same", () => {
    const { status, stdout } = reparam(["doctor", "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      engine: { name: expect.stringMatching(/^(native|wasm)$/) },
      onnxRuntime: { wasm: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
      node: process.versions.node,
      telemetry: "off",
      selfTest: { passed: true },
      warnings: expect.any(Array),
    });
  });

  it("says what to do where the native engine cannot be loaded, and works on", () => {
    const hide =
      "export const resolve = (name, context, next) => next(name === 'onnxruntime-node' ? './gone.js' : name, context)";
    const install = `import { register } from "node:module"; register(${JSON.stringify(moduleUrl(hide))});`;
    const { status, stdout } = reparam(["doctor", "--json"], { NODE_OPTIONS: `--import ${moduleUrl(install)}` });
    const { engine, onnxRuntime, selfTest, warnings } = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(engine.name).toBe("wasm");
    expect(onnxRuntime).toEqual({ wasm: expect.any(String) });
    expect(selfTest.passed).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/Wasm.*npm install onnxruntime-node/)]);
  });

  it("turns telemetry off, whatever the environment says", () => {
    expect(JSON.parse(reparam(["doctor", "--json"], { ORT_DISABLE_TELEMETRY: "0" }).stdout).telemetry).toBe("off");
  });
});

describe("what doctor warns of", () => {
  const healthy: Findings = {
    reparam: "0.1.0",
    engine: { name: "native", threads: 1 },
    onnxRuntime: { native: "1.30.0", wasm: "1.30.0" },
    telemetry: "off",
    webgpu: "not used yet",
    selfTest: { relativeError: 2e-8, passed: true },
    gigaflops: 100,
    platform: "linux",
    arch: "x64",
    libc: "glibc",
    node: "20.20.2",
    cpu: "a processor",
    cores: 2,
    memory: 2 ** 34,
    freeMemory: 2 ** 33,
  };
  const wasm: Partial<Findings> = {
    engine: { name: "wasm", threads: 1, notice: "running on the Wasm engine: not found" },
  };

  it.each<[string, Partial<Findings>, RegExp | undefined]>([
    ["nothing where all is well", {}, undefined],
    ["a missing native engine", wasm, /^running on the Wasm engine: not found$/],
    ["Alpine", { ...wasm, libc: "musl" }, /Alpine.*glibc.*node:20-slim/],
    ["an Intel Mac", { ...wasm, platform: "darwin", libc: undefined }, /Intel Mac/],
    ["32 bits", { ...wasm, arch: "ia32" }, /ia32.*64-bit Node/],
    ["an old Node", { node: "18.19.0" }, /Node 18\.19\.0.*Node 20/],
    ["a container's limit", { coreLimit: 0.5 }, /0\.5 of 2 cores/],
    ["telemetry", { telemetry: "on" }, /ORT_DISABLE_TELEMETRY=1/],
    ["an engine that miscalculates", { selfTest: { relativeError: 0.1, passed: false } }, /relative error 1\.0e-1/],
  ])("%s", (_name, findings, warning) => {
    const warnings = warningsAbout({ ...healthy, ...findings });
    expect(warnings).toEqual(warning ? [expect.stringMatching(warning)] : []);
  });
});

describe("reparam", () => {
  it.each([
    [["doctor", "--jsn"], "unknown option '--jsn'; did you mean --json?"],
    [["doctor", "--zzz"], "unknown option '--zzz'; see `reparam doctor --help`"],
    [["doctor", "x"], "too many arguments for 'doctor'. Expected 0 arguments but got 1; see `reparam doctor --help`"],
    [["doktor"], "unknown command 'doktor'; did you mean doctor?"],
    [["--zzz"], "unknown option '--zzz'; see `reparam --help`"],
  ])("tells a mistake in one line, exit code 2: %s", (args, message) => {
    expect(reparam(args)).toEqual({ status: 2, stdout: "", stderr: `reparam: ${message}\n` });
  });

  it("helps, with an example for every command", () => {
    const { status, stdout } = reparam(["--help"]);
    expect(status).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*\[options\]/gm)].map(([, name]) => name);
    expect(commands).toEqual([
      ...["train", "evaluate", "compare", "gradients", "report", "info", "sample", "reconstruct", "encode"],
      ...["decode", "interpolate", "traverse", "score", "export", "doctor"],
    ]);
    for (const command of commands) expect(reparam([command, "--help"]).stdout).toMatch(/^Examples?:\n {2}reparam /m);
  });

  it("shows its help, and fails, where no command is given", () => {
    const { status, stdout, stderr } = reparam([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: reparam /);
  });

  it("tells its version", () => {
    expect(reparam(["--version"])).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: "",
    });
  });
});
