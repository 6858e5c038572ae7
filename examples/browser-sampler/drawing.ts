import type { Examples, ModelFacts } from "./messages.ts";

/** Whether the model's examples are pictures: [1 or 3, height, width]. */
export function isImages({ shape }: ModelFacts): boolean {
  return shape.length === 3 && (shape[0] === 1 || shape[0] === 3);
}

/** Shows examples in an element: images on a canvas, row after row; other numbers as a table. */
export function show(into: HTMLElement, examples: Examples, facts: ModelFacts, columns: number): void {
  into.replaceChildren(isImages(facts) ? picture(examples, facts, columns) : table(examples, facts));
}

function picture({ data, shape }: Examples, { range: [black, white] }: ModelFacts, columns: number): HTMLCanvasElement {
  const [count, channels, height, width] = shape;
  const gap = columns > 1 ? Math.max(1, Math.round(width / 16)) : 0;
  const canvas = document.createElement("canvas");
  canvas.width = columns * (width + gap) - gap;
  canvas.height = Math.ceil(count / columns) * (height + gap) - gap;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", count === 1 ? "a decoded image" : `${count} sampled images`);
  const context = canvas.getContext("2d");
  const area = height * width;
  for (let i = 0; i < count; i++) {
    const tile = new ImageData(width, height);
    for (let pixel = 0; pixel < area; pixel++) {
      for (let c = 0; c < 3; c++) {
        const value = data[(i * channels + (channels === 3 ? c : 0)) * area + pixel];
        tile.data[4 * pixel + c] = (255 * (value - black)) / (white - black); // rounded and cut by the array
      }
      tile.data[4 * pixel + 3] = 255;
    }
    context?.putImageData(tile, (i % columns) * (width + gap), Math.floor(i / columns) * (height + gap));
  }
  return canvas;
}

const ROWS = 12;
const COLUMNS = 12;

function table({ data, shape: [count, ...shape] }: Examples, facts: ModelFacts): HTMLTableElement {
  const size = shape.reduce((product, side) => product * side, 1);
  const names = facts.columns ?? Array.from({ length: size }, (_, i) => `x${i + 1}`);
  const element = document.createElement("table");
  const head = element.createTHead().insertRow();
  const cell = (text: string): HTMLTableCellElement => {
    const made = document.createElement("th");
    made.textContent = text;
    return made;
  };
  head.append(...names.slice(0, COLUMNS).map(cell));
  const body = element.createTBody();
  for (let row = 0; row < Math.min(count, ROWS); row++) {
    const line = body.insertRow();
    for (let i = 0; i < Math.min(size, COLUMNS); i++) {
      line.insertCell().textContent = Number(data[row * size + i]).toPrecision(4);
    }
  }
  const caption = [
    count > ROWS ? `${ROWS} of ${count} rows` : "",
    size > COLUMNS ? `${COLUMNS} of ${size} columns` : "",
  ];
  const said = caption.filter(Boolean).join(", ");
  if (said) element.createCaption().textContent = said;
  return element;
}

/** The middle square or what else has the model's proportions of an image, as the model is given it, only sharper. */
export async function showCropped(
  into: HTMLElement,
  image: Blob,
  { shape: [, height, width] }: ModelFacts,
): Promise<void> {
  const bitmap = await createImageBitmap(image);
  const canvas = document.createElement("canvas");
  const scale = 320 / Math.max(width, height);
  [canvas.width, canvas.height] = [Math.round(scale * width), Math.round(scale * height)];
  const cover = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height);
  const [w, h] = [cover * bitmap.width, cover * bitmap.height];
  const context = canvas.getContext("2d");
  if (context) {
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
  }
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "your image, cropped as the model is given it");
  bitmap.close();
  into.replaceChildren(canvas);
}
