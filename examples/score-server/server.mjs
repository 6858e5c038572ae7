/**
 * Scores images over HTTP: how likely each is under a trained model, beside the examples that it was validated on.
 *
 *   node server.mjs RUN [PORT]
 *   curl --data-binary @photo.jpg localhost:8080/score
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { finished } from "node:stream/promises";
import { SHARE_ENV, Worker } from "node:worker_threads";

/** Bytes of the largest image that is taken. */
const LIMIT = 10 * 2 ** 20;
/** Images that are being received, waiting or scored; together with the limit they bound the memory. */
const PLACES = 64;
/** Images that are scored together. */
const BATCH = 32;
const TOO_LARGE = 413;

/** @typedef {{ readonly status: number, readonly body: unknown, readonly headers?: Record<string, string> }} Answer */
/** @typedef {{ readonly image: Uint8Array<ArrayBuffer>, readonly done: (answer: Answer) => void }} Job */

const [run, port = "8080"] = process.argv.slice(2);
if (run === undefined) {
  console.error("score-server: expected a run folder: node server.mjs RUN [PORT]");
  process.exit(2);
}

/** @type {Job[]} */
const waiting = [];
/** @type {readonly Job[]} */
let scoring = [];
let taken = 0;
let stopping = false;

// With this thread's own environment: in a copy, native code would not see that the runtime's telemetry is switched off.
const worker = new Worker(new URL("./worker.mjs", import.meta.url), { workerData: run, env: SHARE_ENV });
worker.on("error", (error) => {
  console.error("score-server: the worker failed:", error);
  process.exit(1);
});
const [failure] = await once(worker, "message");
if (failure !== null) {
  console.error(`score-server: ${failure}`);
  process.exit(2);
}
worker.on("message", (/** @type {readonly Answer[]} */ answers) => {
  const batch = scoring;
  scoring = [];
  for (const [i, { done }] of batch.entries()) done(answers[i]);
  scoreNext();
});

/** Hands the worker all that wait, up to a batch, when it has nothing to do. */
function scoreNext() {
  if (scoring.length > 0 || waiting.length === 0) return;
  scoring = waiting.splice(0, BATCH);
  const images = scoring.map(({ image }) => image);
  worker.postMessage(
    images,
    images.map(({ buffer }) => buffer),
  );
}

const server = createServer(
  { requestTimeout: 30_000, connectionsCheckingInterval: 5_000 },
  async (request, response) => {
    const { status, body, headers } = await answerTo(request).catch((error) => {
      if (!request.destroyed) console.error("score-server:", error); // else the client has gone
      return { status: 500, body: { error: "the server failed; its log says why" }, headers: {} };
    });
    // What is left of a body is dropped first: a client that is still sending reads no answer.
    if (status !== TOO_LARGE) await finished(request.resume()).catch(() => {});
    const closing = stopping || status === TOO_LARGE ? { Connection: "close" } : {};
    response.writeHead(status, { "Content-Type": "application/json", ...headers, ...closing });
    response.end(`${JSON.stringify(body)}\n`);
  },
);

/** @type {(request: import("node:http").IncomingMessage) => Promise<Answer>} */
async function answerTo(request) {
  const [pathname] = (request.url ?? "/").split("?");
  const method = { "/score": "POST", "/health": "GET" }[pathname];
  if (!method) return { status: 404, body: { error: `${pathname}: expected POST /score or GET /health` } };
  if (request.method !== method) {
    const error = `${pathname}: expected ${method}, got ${request.method}`;
    return { status: 405, body: { error }, headers: { Allow: method } };
  }
  if (pathname === "/health") return { status: 200, body: { places: PLACES, taken } };
  if (taken >= PLACES || stopping) {
    const error = stopping ? "the server is stopping" : "all places are taken; try again later";
    return { status: 503, body: { error }, headers: { "Retry-After": "1" } };
  }
  taken++;
  try {
    const image = await receive(request);
    if (!image) return { status: TOO_LARGE, body: { error: `the image has more than ${LIMIT} bytes` } };
    const answer = new Promise((/** @type {(answer: Answer) => void} */ done) => waiting.push({ image, done }));
    scoreNext();
    return await answer;
  } finally {
    taken--;
  }
}

/**
 * The body of a request, undefined where it is over the limit.
 * @type {(request: import("node:http").IncomingMessage) => Promise<Uint8Array<ArrayBuffer> | undefined>}
 */
async function receive(request) {
  if (Number(request.headers["content-length"] ?? 0) > LIMIT) return undefined;
  const chunks = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > LIMIT) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks)); // in memory of its own, which can be handed to the worker
}

/** Answers what has been taken and ends; the worker ends when it is idle, as a run that is cut off aborts the process. */
function stop() {
  if (stopping) return;
  stopping = true;
  server.close(() => worker.postMessage("end"));
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

// HOST=0.0.0.0 opens it to other machines.
const { HOST = "127.0.0.1" } = process.env;
server.listen({ port: Number(port), host: HOST }, () => {
  const address = server.address();
  console.log(`http://${HOST}:${typeof address === "object" ? address?.port : port}`);
});
