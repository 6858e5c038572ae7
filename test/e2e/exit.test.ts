/** How commands end, in processes of their own, from the built package. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";

const built = (file: string): string => JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href);

const PRELUDE = `
  import { setTimeout as pause } from "node:timers/promises";
  import { interruptible, run } from ${built("cli/exit.js")};
  import { InputError, NumericalError } from ${built("errors.js")};
`;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A process whose command is the body of an async function. */
function start(body: string, environment: Readonly<Record<string, string>> = {}) {
  const source = `${PRELUDE} await run(async () => { ${body} });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    env: { ...process.env, REPARAM_DEBUG: "0", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const heard = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      heard[stream] += text;
    });
  }
  const closed = once(child, "close");
  return {
    child,
    /** Waits until the process has said something. */
    said: async (what: string): Promise<void> => {
      while (!`${heard.stdout}${heard.stderr}`.includes(what)) {
        if (child.exitCode !== null) throw new Error(`ended without saying ${what}: ${heard.stderr}`);
        await pause(2);
      }
    },
    ended: async (): Promise<Ended> => {
      const [code, signal] = await closed;
      return { code, signal, out: heard.stdout, err: heard.stderr };
    },
  };
}

describe("a command that fails", () => {
  const end = (body: string, environment?: Readonly<Record<string, string>>): Promise<Ended> =>
    start(body, environment).ended();

  it("tells a user's mistake in one line, exit code 2", async () => {
    const { code, out, err } = await end(`throw new InputError("a.npy: expected\\n  float32");`);
    expect({ code, out, err }).toEqual({ code: 2, out: "", err: "reparam: a.npy: expected\\u000a  float32\n" });
  });

  it("tells a number that is not finite in one line, exit code 1", async () => {
    const { code, err } = await end(`throw new NumericalError("step 3: the loss is NaN");`);
    expect({ code, err }).toEqual({ code: 1, err: "reparam: step 3: the loss is NaN\n" });
  });

  it("owns up to a fault of its own, exit code 1, and shows the stack when asked", async () => {
    const { code, err } = await end("undefined.field;");
    expect(code).toBe(1);
    expect(err).toMatch(/^reparam: Cannot read properties of undefined .*\n.*REPARAM_DEBUG=1.*\n$/);
    const asked = await end("undefined.field;", { REPARAM_DEBUG: "1" });
    expect(asked.code).toBe(1);
    expect(asked.err).toMatch(/^TypeError: .*\n\s+at /);
  });

  it("ends in silence when nobody reads on", async () => {
    const { child, said, ended } = start(`for (;;) { process.stdout.write("line\\n".repeat(1000)); await pause(1); }`);
    await said("line");
    child.stdout.destroy();
    const { code, err } = await ended();
    expect({ code, err }).toEqual({ code: 141, err: "" });
  });
});

describe("Ctrl-C", () => {
  const stepping = `
    const { signal } = interruptible((line) => console.error(line));
    console.log("ready");
    while (!signal.aborted) await pause(5);
    await pause(100);
    console.log("checkpoint written");
    signal.throwIfAborted();
  `;
  const MESSAGE = "stopping in good order; press Ctrl-C again to stop at once\n";

  it("lets the step finish and gives 130; SIGTERM 143", async () => {
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const { child, said, ended } = start(stepping);
      await said("ready");
      child.kill(signal);
      expect(await ended()).toEqual({ code, signal: null, out: "ready\ncheckpoint written\n", err: MESSAGE });
    }
  });

  it("counts once where npm hands it on a second time", async () => {
    const { child, said, ended } = start(stepping);
    await said("ready");
    child.kill("SIGINT");
    await said(MESSAGE);
    await pause(20); // npm needs less
    child.kill("SIGINT");
    expect(await ended()).toEqual({ code: 130, signal: null, out: "ready\ncheckpoint written\n", err: MESSAGE });
  });

  it("ends the process at once the second time, also in the midst of a native run, without an abort", async () => {
    const { child, said, ended } = start(`
      const { openEngine } = await import(${built("runtime/engine-node.js")});
      const { compile } = await import(${built("runtime/compile.js")});
      const { data, matmul } = await import(${built("tensor/index.js")});
      const shape = [3000, 3000]; // half a second a run
      const { run } = await compile(await openEngine({ threads: 2 }), { y: matmul(data("a", shape), data("b", shape)) });
      const feeds = Object.fromEntries(["a", "b"].map((name) => [name, { data: new Float32Array(9e6), shape }]));
      const { signal } = interruptible((line) => console.error(line));
      console.log("ready");
      while (!signal.aborted) await pause(5);
      await pause(400);
      console.log("running");
      for (;;) await run(feeds);
    `);
    await said("ready");
    child.kill("SIGINT");
    await said("running");
    await pause(100);
    child.kill("SIGINT");
    const { code, signal, err } = await ended(); // what a shell calls 130
    expect({ code, signal, err }).toEqual({ code: null, signal: "SIGINT", err: MESSAGE });
  });

  it("is not lost where it comes the second time while no JavaScript can run", async () => {
    const { child, said, ended } = start(`
      const { signal } = interruptible((line) => console.error(line));
      console.log("ready");
      while (!signal.aborted) await pause(5);
      console.log("blocked");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500); // as a long native run
      await pause(60_000);
    `);
    await said("ready");
    child.kill("SIGINT");
    await said("blocked");
    await pause(500);
    child.kill("SIGINT");
    expect((await ended()).signal).toBe("SIGINT");
  });

  it("has its usual meaning again once disposed of", async () => {
    const { child, said, ended } = start(`
      interruptible((line) => console.error(line)).dispose();
      console.log("ready");
      await pause(60_000);
    `);
    await said("ready");
    child.kill("SIGINT");
    expect(await ended()).toEqual({ code: null, signal: "SIGINT", out: "ready\n", err: "" });
  });
});
