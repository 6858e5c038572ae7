/** The example that scores images over HTTP, as a process: right under load, bounded, and gone when it is told to go. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { load, scoreThreshold } from "reparam";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { newFolder } from "./command.ts";
import { train, writeData } from "./small-run.ts";

/** As the example has them. */
const PLACES = 64;
const BATCH = 32;
const LIMIT = 10 * 2 ** 20;

const scoreSchema = z.strictObject({
  logLikelihood: z.number(),
  percentile: z.number().min(0).max(1),
  typicality: z.number().min(0).max(1),
  strange: z.boolean(),
});
const health = z.strictObject({ places: z.literal(PLACES), taken: z.int().min(0).max(PLACES) });
const mistake = z.strictObject({ error: z.string() });

const program = fileURLToPath(new URL("../../examples/score-server/server.mjs", import.meta.url));
const cwd = newFolder();
let server: ChildProcess;
let origin: string;
let said = "";

async function start(run: string): Promise<void> {
  server = spawn(process.execPath, [program, run, "0"], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  server.stderr?.on("data", (text) => {
    said += text;
  });
  const [line] = await Promise.race([
    once(server.stdout ?? server, "data"),
    once(server, "exit").then(() => {
      throw new Error(`the server ended: ${said}`);
    }),
  ]);
  origin = String(line).trim();
}

/** Random pixels, as a PNG. */
async function png(size: number, seed: number): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = Uint8Array.from(
    { length: 3 * size * size },
    (_, i) => 128 + 127 * Math.sin(seed * 977 + i * i * 0.37),
  );
  const raw = { width: size, height: size, channels: 3 } as const;
  return new Uint8Array(await sharp(pixels, { raw }).png().toBuffer());
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

interface Opened {
  readonly client: ClientRequest;
  readonly answer: Promise<Answer>;
}

/** A request whose body is still to come, on a connection of its own: one that is used again may be closed meanwhile. */
function open(method: string, path: string, headers: OutgoingHttpHeaders = {}): Opened {
  const client = request(new URL(origin), { path, method, headers, agent: false });
  const answer = once(client, "response").then(async ([response]: readonly IncomingMessage[]) => {
    return { status: response.statusCode, headers: response.headers, body: await json(response) };
  });
  client.flushHeaders();
  return { client, answer };
}

function ask(method: string, path: string, body: Uint8Array = new Uint8Array(0)): Promise<Answer> {
  const { client, answer } = open(method, path, { "Content-Length": body.length });
  client.end(body);
  return answer;
}

const post = (body: Uint8Array): Promise<Answer> => ask("POST", "/score", body);

/** What /health says. */
async function placesTaken(): Promise<number> {
  const { status, body } = await ask("GET", "/health");
  expect(status).toBe(200);
  return health.parse(body).taken;
}

beforeAll(async () => {
  writeData(cwd);
  await train("run", { cwd }, "--epochs", "2");
  await start("run");
});
afterAll(() => server.kill("SIGKILL"));

describe("the server that scores images", () => {
  /** Most larger than the model's 8×8: 400 of them weigh 330 MB. */
  let images: readonly Uint8Array<ArrayBuffer>[];
  /** Log p(x) of each image at each place of a batch: the draws differ from place to place. */
  let known: readonly Float64Array[];

  beforeAll(async () => {
    images = await Promise.all([png(8, 1), png(500, 2), png(600, 3), png(700, 4)]);
    const model = await load(join(cwd, "run"), { needs: ["score"] });
    const scores = [];
    for (const image of images) scores.push((await model.score(Array<Uint8Array>(BATCH).fill(image))).logLikelihood);
    await model.release();
    known = scores;
  });

  // Batches of another size add floats in another order: some units of 2⁻²⁴ of sums of a few hundred nats.
  const CLOSE = 1e-5;
  const isKnown = (value: number, i: number): boolean =>
    known[i].some((one) => Math.abs(value - one) < CLOSE * Math.abs(one));

  it("gives the scores that load(run).score gives", async () => {
    const model = await load(join(cwd, "run"), { needs: ["score"] });
    const { reference } = model;
    const verdicts: boolean[] = [];
    const bright = new Uint8Array(
      await sharp({ create: { width: 8, height: 8, channels: 3, background: "#f5f5f5" } })
        .png()
        .toBuffer(),
    );
    for (const image of [...images, bright]) {
      const { status, body } = await post(image);
      expect(status).toBe(200);
      const { strange, ...numbers } = scoreSchema.parse(body);
      const { logLikelihood, percentile, typicality } = await model.score([image]);
      // Alone in its batch, as here: the same bits.
      expect(numbers).toEqual({
        logLikelihood: logLikelihood[0],
        percentile: percentile[0],
        typicality: typicality[0],
      });
      expect(strange).toBe(reference !== undefined && numbers.logLikelihood < scoreThreshold(reference, 0.01));
      verdicts.push(strange);
    }
    expect(new Set(verdicts).size).toBe(2);
    await model.release();
  });

  it("answers 400 at once with the right score or with 503, in bounded memory, and stays", async () => {
    const before = peakMemory(server);
    let late = 0;
    let over = false;
    const watch = async (): Promise<void> => {
      while (!over) {
        const start = performance.now();
        await placesTaken();
        late = Math.max(late, performance.now() - start);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const begin = performance.now();
    const all = Promise.all(Array.from({ length: 400 }, (_, i) => post(images[i % images.length])));
    const end = (): void => {
      over = true;
    };
    const [answers] = await Promise.all([all.finally(end), watch()]);
    const seconds = (performance.now() - begin) / 1000;
    for (const { status } of answers) expect([200, 503]).toContain(status);
    const scored = [...answers.entries()].filter(([, { status }]) => status === 200);
    expect(scored.length).toBeGreaterThanOrEqual(PLACES);
    for (const [i, { body }] of scored) {
      expect(isKnown(scoreSchema.parse(body).logLikelihood, i % images.length), `image ${i}`).toBe(true);
    }
    expect(server.exitCode).toBe(null);
    const grown = peakMemory(server) - before;
    console.log(
      `${scored.length} of 400 scored in ${seconds.toFixed(1)} s; health within ${late.toFixed(0)} ms; ${grown.toFixed(0)} MB more at most`,
    );
    // The bodies in their places, and 150 MB for what it takes to receive, to decode and to score a batch.
    const largest = Math.max(...images.map(({ length }) => length));
    expect(grown).toBeLessThan((PLACES * largest) / 1e6 + 150);
  });

  it("refuses what it has no place for, and scores what it has taken", async () => {
    const length = images[0].length;
    const taken = Array.from({ length: PLACES }, () => open("POST", "/score", { "Content-Length": length }));
    for (const { client } of taken) client.write(images[0].subarray(0, 10));
    await until(async () => (await placesTaken()) === PLACES);
    const refused = await post(images[0]);
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "1"]);
    for (const { client } of taken) client.end(images[0].subarray(10));
    for (const { answer } of taken) {
      const { status, body } = await answer;
      expect(status).toBe(200);
      expect(isKnown(scoreSchema.parse(body).logLikelihood, 0)).toBe(true);
    }
    expect((await post(images[0])).status).toBe(200);
  });

  it("fails a bad image alone", async () => {
    const broken = images[2].slice(0, images[2].length / 2);
    const bodies = [images[0], broken, new Uint8Array(0), images[1], new TextEncoder().encode("no image"), images[3]];
    const answers = await Promise.all(bodies.map(post));
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400, 200, 400, 200]);
    for (const { status, body } of answers) {
      if (status === 400) expect(mistake.parse(body).error).toMatch(/^the body: [^\n]+$/);
    }
  });

  it("stops reading a body at the limit, said beforehand or not", async () => {
    const said = open("POST", "/score", { "Content-Length": LIMIT + 1 });
    const unsaid = open("POST", "/score", { "Transfer-Encoding": "chunked" });
    unsaid.client.write(new Uint8Array(LIMIT + 1)); // and no end
    for (const { client, answer } of [said, unsaid]) {
      const closed = once(client, "close").catch(() => {}); // also where the system says so upon what was still sent
      const { status, body } = await answer;
      expect(status).toBe(413);
      expect(mistake.parse(body).error).toContain(String(LIMIT));
      client.on("error", () => {});
      await closed;
    }
    const whole = await post(new Uint8Array(LIMIT));
    expect(whole.status).toBe(400); // read to the end: zeros are no image
  });

  it("knows two addresses and a method for each", async () => {
    const answerTo = async (path: string, method: string): Promise<readonly unknown[]> => {
      const { status, headers, body } = await ask(method, path);
      expect(mistake.parse(body).error).toMatch(/^[^\n]+: expected /);
      return [status, headers.allow];
    };
    expect(await answerTo("/", "GET")).toEqual([404, undefined]);
    expect(await answerTo("//?", "POST")).toEqual([404, undefined]);
    expect(await answerTo("/score", "GET")).toEqual([405, "POST"]);
    expect(await answerTo("/health?", "POST")).toEqual([405, "GET"]);
  });

  it("answers what it has taken when it is told to stop, and ends with 0", async () => {
    const taken = Array.from({ length: 40 }, () => open("POST", "/score", { "Content-Length": images[1].length }));
    for (const { client } of taken) client.write(images[1].subarray(0, 10));
    await until(async () => (await placesTaken()) === taken.length);
    server.kill("SIGTERM");
    await until(() =>
      placesTaken().then(
        () => false,
        () => true,
      ),
    );
    for (const { client } of taken) client.end(images[1].subarray(10));
    for (const { answer } of taken) expect((await answer).status).toBe(200);
    if (server.exitCode === null) await once(server, "exit");
    expect({ code: server.exitCode, signal: server.signalCode, said }).toEqual({ code: 0, signal: null, said: "" });
  });

  it("says in one line what it cannot score with", async () => {
    await expect(start("nowhere")).rejects.toThrow(/^the server ended: score-server: nowhere: [^\n]+\n$/);
    expect(server.exitCode).toBe(2);
  });
});

/** MB that a process has had at most; 0 where the system does not tell. */
function peakMemory({ pid }: ChildProcess): number {
  if (process.platform !== "linux") return 0;
  const [, kilobytes = "0"] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1000;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
