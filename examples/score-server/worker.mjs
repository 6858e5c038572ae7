/** The model, in a thread of its own: its runs block the thread that they are made on. */
import { parentPort, workerData } from "node:worker_threads";
import { InputError, load, scoreThreshold } from "reparam";

/** Images below this share of the validation scores count as strange. */
const QUANTILE = 0.01;

/** @typedef {{ readonly status: number, readonly body: unknown }} Answer */

const opened = await open().catch((error) => {
  parentPort?.postMessage(error instanceof InputError ? error.message : String(error));
});
if (opened) {
  const { model, threshold } = opened;
  parentPort?.postMessage(null);
  parentPort?.on("message", async (message) => {
    if (message === "end") {
      await model.release();
      parentPort?.close();
    } else parentPort?.postMessage(await answers(model, threshold, message));
  });
}

async function open() {
  const model = await load(workerData, { needs: ["score"] });
  const { shape } = model.facts.data;
  if (shape.length !== 3) {
    throw new InputError(
      `${model.name}: was trained on examples of [${shape.join(", ")}], and this server takes images`,
    );
  }
  if (model.reference) return { model, threshold: scoreThreshold(model.reference, QUANTILE) };
  throw new InputError(`${model.name}: has no scores.json; make it with: reparam report ${model.name}`);
}

/**
 * An answer for each image. One that cannot be read fails its batch, so the images of such a batch are scored one by one.
 * @type {(model: import("reparam").TrainedModel<"score">, threshold: number, images: readonly Uint8Array[]) => Promise<readonly Answer[]>}
 */
async function answers(model, threshold, images) {
  try {
    const { logLikelihood, percentile, typicality } = await model.score(images);
    return Array.from(logLikelihood, (value, i) => {
      const body = {
        logLikelihood: value,
        percentile: percentile[i],
        typicality: typicality[i],
        strange: value < threshold,
      };
      return { status: 200, body };
    });
  } catch (error) {
    if (images.length === 1) return [refusal(error)];
    const each = [];
    for (const image of images) each.push(...(await answers(model, threshold, [image])));
    return each;
  }
}

/** @type {(error: unknown) => Answer} */
function refusal(error) {
  if (error instanceof InputError)
    return { status: 400, body: { error: error.message.replace(/^image 0/, "the body") } };
  console.error("score-server:", error);
  return { status: 500, body: { error: "the server failed; its log says why" } };
}
