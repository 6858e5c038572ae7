import { InputError } from "../errors.ts";
import { glorotUniform, heNormal } from "../nn/initialisers.ts";
import { conv, convTranspose, dense, flattenEvent, type Layer, sequential, unflattenEvent } from "../nn/layers.ts";
import { relu } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { Initial } from "../tensor/tensor.ts";

/** The shape of a network: dense layers of these widths, or convolutions of these channel counts, each halving the image. */
export type Architecture =
  | { readonly kind: "mlp"; readonly widths: readonly number[] }
  | { readonly kind: "conv"; readonly channels: readonly number[] };

const KERNEL = 4;
const STRIDE = 2;
const PADDING = 1;

/** Heights and widths from the image inwards, one entry more than there are convolutions. */
function pyramid(event: readonly number[], levels: number): readonly (readonly number[])[] {
  if (event.length !== 3) {
    throw new InputError(`a conv network needs images [channels, height, width], got [${event.join(", ")}]; use mlp`);
  }
  const sizes = [event.slice(1)];
  for (let level = 0; level < levels; level++) {
    const next = sizes[level].map((extent) => Math.floor((extent + 2 * PADDING - KERNEL) / STRIDE) + 1);
    if (next.some((extent) => extent < 1)) {
      throw new InputError(
        `an image of ${event.slice(1).join("×")} cannot be halved ${levels} times; use fewer channels`,
      );
    }
    sizes.push(next);
  }
  return sizes;
}

/** From one example [..., ...event] to `outputs` numbers. The last layer is linear. */
export function encoderNetwork(
  name: string,
  architecture: Architecture,
  event: readonly number[],
  outputs: number,
): Layer {
  if (architecture.kind === "mlp") {
    const widths = [sizeOf(event), ...architecture.widths];
    return sequential(flattenEvent(event), ...hidden(name, widths), head(name, widths[widths.length - 1], outputs));
  }
  const { channels } = architecture;
  const sizes = pyramid(event, channels.length);
  const window = { kernel: KERNEL, stride: STRIDE, padding: PADDING };
  const layers = channels.map((count, i) =>
    sequential(conv(`${name}/conv${i + 1}`, i === 0 ? event[0] : channels[i - 1], count, window), relu),
  );
  const last = [channels[channels.length - 1], ...sizes[channels.length]];
  return sequential(...layers, flattenEvent(last), head(name, sizeOf(last), outputs));
}

/** From k latents to one example's shape; the mirror image of the encoder. `bias` is where its output starts. */
export function decoderNetwork(
  name: string,
  architecture: Architecture,
  latents: number,
  event: readonly number[],
  bias: Initial,
): Layer {
  if (architecture.kind === "mlp") {
    const widths = [latents, ...architecture.widths.toReversed()];
    const last = dense(`${name}/output`, widths[widths.length - 1], sizeOf(event), { bias });
    return sequential(...hidden(name, widths), last, unflattenEvent(event));
  }
  const channels = architecture.channels.toReversed();
  const sizes = pyramid(event, channels.length).toReversed();
  const first = [channels[0], ...sizes[0]];
  const layers = channels.map((count, i) => {
    const last = i === channels.length - 1;
    // What the stride left over on the way in is put back on the way out.
    const outputPadding = sizes[i + 1].map(
      (extent, axis) => extent - (STRIDE * (sizes[i][axis] - 1) + KERNEL - 2 * PADDING),
    );
    if (outputPadding[0] !== outputPadding[1]) {
      throw new InputError(`a conv network needs height and width both even or both odd at every level; use mlp`);
    }
    const outputs = last ? event[0] : channels[i + 1];
    const options = { kernel: KERNEL, stride: STRIDE, padding: PADDING, outputPadding: outputPadding[0] };
    const start = last ? { weight: glorotUniform(count * KERNEL * KERNEL, outputs * KERNEL * KERNEL), bias } : {};
    const layer = convTranspose(`${name}/conv${i + 1}`, count, outputs, { ...options, ...start });
    return last ? layer : sequential(layer, relu);
  });
  const input = dense(`${name}/input`, latents, sizeOf(first), { weight: heNormal(latents) });
  return sequential(input, relu, unflattenEvent(first), ...layers);
}

function hidden(name: string, widths: readonly number[]): readonly Layer[] {
  return widths.slice(1).map((width, i) => {
    const layer = dense(`${name}/hidden${i + 1}`, widths[i], width, { weight: heNormal(widths[i]) });
    return sequential(layer, relu);
  });
}

function head(name: string, inputs: number, outputs: number): Layer {
  return dense(`${name}/output`, inputs, outputs, { weight: glorotUniform(inputs, outputs) });
}
