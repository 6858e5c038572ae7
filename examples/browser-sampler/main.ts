/** Draws what the model in the worker samples, decodes and makes of an image. */
import { ask } from "./asking.ts";
import { isImages, show, showCropped } from "./drawing.ts";
import { byPart, droppedFiles, formatBytes, loadedHere, modelFiles } from "./files.ts";
import type { LoadedFile, Looked, ModelFacts, Questions } from "./messages.ts";

const SAMPLES = 36;
const SLIDERS = 8;
/** How far a slider goes to both sides, in standard deviations of the prior. */
const RANGE = 3;

let facts: ModelFacts | undefined;
let z: number[] = [];

function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${id}`);
}

const element = (id: string): HTMLElement => byId(id, HTMLElement);
const seed = byId("seed", HTMLInputElement);

/** With a minus sign, as wide as a plus. */
function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace("-", "−");
}

/** Does something and tells on the page what went wrong, in one line. */
async function attempt(work: () => Promise<void>, mayLoad = true): Promise<void> {
  const line = element("error");
  line.hidden = true;
  try {
    await work();
  } catch (error) {
    line.textContent = error instanceof Error ? error.message : String(error);
    line.hidden = false;
  }
  if (mayLoad) await tellLoaded();
}

async function open(source: Questions["open"]["source"]): Promise<void> {
  element("about").textContent = "Loading the model …";
  try {
    facts = await ask("open", { source });
  } catch (error) {
    element("about").textContent = facts ? about(facts) : "There is no model yet.";
    throw error;
  }
  element("about").textContent = about(facts);
  const from = document.querySelector<HTMLInputElement>(`[name=from][value=${isImages(facts) ? "mean" : "draw"}]`);
  if (from) from.checked = true;
  element("samples").hidden = false;
  element("latents").hidden = false;
  element("looking").hidden = !isImages(facts);
  element("looked").hidden = true;
  z = Array.from({ length: facts.latents }, () => 0);
  makeSliders(facts);
  await sample();
  await decode();
}

function about({ shape, examples, latents, likelihood, parameters }: ModelFacts): string {
  const [channels, height, width] = shape;
  const kind =
    shape.length === 3
      ? `${channels === 1 ? "grey" : "colour"} images of ${width}×${height}`
      : `rows of ${shape.join("×")}`;
  const count = (number: number): string => number.toLocaleString("en");
  return `Learned from ${count(examples)} ${kind}: ${latents} latents, ${count(parameters)} parameters, ${likelihood}.`;
}

async function sample(): Promise<void> {
  if (!facts) return;
  const drawn = document.querySelector<HTMLInputElement>("[name=from]:checked")?.value === "draw";
  const start = performance.now();
  const examples = await ask("sample", { count: SAMPLES, seed: seed.valueAsNumber, from: drawn ? "draw" : "mean" });
  const milliseconds = Math.round(performance.now() - start);
  show(element("grid"), examples, facts, 6);
  const what = drawn ? "draws x ~ p(x|z)" : "means of p(x|z)";
  element("timing").textContent = `${SAMPLES} ${what}, z from the prior with seed ${seed.value}, in ${milliseconds} ms`;
}

let decoding = false;

/** Decodes where the sliders are; while that is under way, only the newest place is next. */
async function decode(): Promise<void> {
  if (decoding) return;
  decoding = true;
  try {
    let shown: string;
    do {
      shown = z.join();
      const decoded = await ask("decode", { z });
      if (facts) show(element("decoded"), decoded, facts, 1);
    } while (shown !== z.join());
  } finally {
    decoding = false;
  }
}

function makeSliders({ latents }: ModelFacts): void {
  const count = Math.min(SLIDERS, latents);
  const rows = Array.from({ length: count }, (_, i) => {
    const row = document.createElement("label");
    row.className = "slider";
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: String(-RANGE), max: String(RANGE), step: "0.05", value: "0" });
    const value = document.createElement("output");
    row.append(`z${i}`, input, value);
    input.oninput = (): void => {
      z[i] = input.valueAsNumber;
      value.textContent = fixed(z[i], 2);
      void attempt(decode, false);
    };
    return row;
  });
  element("sliders").replaceChildren(...rows);
  element("others").textContent = latents > count ? `The first ${count} of ${latents}.` : "";
  placeSliders();
}

/** Sliders where z is; beyond their ends they stay at the end, and the number is what counts. */
function placeSliders(): void {
  for (const [i, row] of [...element("sliders").children].entries()) {
    const [input, value] = [row.querySelector("input"), row.querySelector("output")];
    if (input) input.value = String(z[i]);
    if (value) value.textContent = fixed(z[i], 2);
  }
}

async function look(image: Blob): Promise<void> {
  if (!facts || !isImages(facts)) throw new Error("an image is for a model of images; open one first");
  const looked = await ask("look", { image });
  await showCropped(element("original"), image, facts);
  element("rebuilt").hidden = !looked.reconstruction;
  if (looked.reconstruction) show(element("reconstruction"), looked.reconstruction, facts, 1);
  element("score").replaceChildren(...(looked.score ? scoreLines(looked.score, facts) : []));
  element("caution").hidden = !looked.score;
  element("missing").textContent = looked.missing.join(" ");
  element("looked").hidden = false;
  if (!looked.z) return;
  z = [...looked.z];
  placeSliders();
  await decode();
}

function scoreLines(score: NonNullable<Looked["score"]>, { shape }: ModelFacts): readonly HTMLElement[] {
  const { logLikelihood, percentile, typicality } = score;
  const bits = -logLikelihood / (shape.reduce((product, side) => product * side, 1) * Math.LN2);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const lines = {
    "log p(x)": `${fixed(logLikelihood, 1)} nats, ${fixed(bits, 2)} bits/dim`,
    percentile: `${percent(percentile)} of the validation images are less likely`,
    typicality: `${percent(typicality)} of them are farther from the usual log p(x)`,
  };
  return Object.entries(lines).flatMap(([name, text]) => {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    description.textContent = text;
    return [term, description];
  });
}

async function tellLoaded(): Promise<void> {
  const table = byId("loaded", HTMLTableElement);
  const total = (files: readonly LoadedFile[]): string => formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0));
  const parts = byPart([...loadedHere(), ...(await ask("loaded", {}))]);
  table.replaceChildren();
  for (const [part, files] of parts) {
    if (files.length === 0) continue;
    const body = table.createTBody();
    addRow(body, [part, total(files)]);
    for (const { name, bytes } of files) addRow(body, [name, formatBytes(bytes)]);
  }
  element("total").textContent = `${total([...parts.values()].flat())}; nothing else, and nothing is sent anywhere.`;
}

function addRow(into: HTMLTableSectionElement, texts: readonly string[]): void {
  const row = into.insertRow();
  for (const text of texts) row.insertCell().textContent = text;
}

/** A model's files, or an image. */
async function take(files: readonly File[]): Promise<void> {
  const model = modelFiles(files);
  const image = files.find(({ type }) => type.startsWith("image/"));
  if (model.length > 0) await open(model);
  else if (image) await look(image);
  else throw new Error("expected a model's files (config.json and its .onnx files) or an image");
}

element("sampling").onsubmit = (event): void => {
  event.preventDefault();
  seed.valueAsNumber = (seed.valueAsNumber || 0) + 1;
  void attempt(sample);
};
element("sampling").onchange = (): void => void attempt(sample);
element("centre").onclick = (): void => {
  z = z.map(() => 0);
  placeSliders();
  void attempt(decode, false);
};
for (const id of ["files", "image"]) {
  const input = byId(id, HTMLInputElement);
  input.onchange = (): void => {
    const files = Array.from(input.files ?? []);
    input.value = ""; // the same file may be chosen again
    if (files.length > 0) void attempt(() => take(files));
  };
}
document.body.ondragover = (event): void => {
  event.preventDefault();
  document.body.classList.add("over");
};
document.body.ondragleave = (event): void => {
  if (!event.relatedTarget) document.body.classList.remove("over");
};
document.body.ondrop = (event): void => {
  event.preventDefault();
  document.body.classList.remove("over");
  const { dataTransfer } = event;
  if (dataTransfer) void attempt(async () => take(await droppedFiles(dataTransfer)));
};

const address = new URLSearchParams(location.search).get("model") ?? "./model/";
void attempt(() => open(new URL(address, location.href).href));
