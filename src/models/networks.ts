import { InputError } from "../errors.ts";
import { glorotUniform, heNormal, zeros } from "../nn/initialisers.ts";
import {
  conv,
  convTranspose,
  dense,
  flattenEvent,
  type Layer,
  residual,
  sequential,
  unflattenEvent,
} from "../nn/layers.ts";
import { multilayer } from "../nn/mlp.ts";
import { relu } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { Initial } from "../tensor/tensor.ts";

/**
 * The shape of a network, written as an encoder's: dense layers of these widths, or levels of these channel counts, each
 * a convolution that halves the image; in a residual one each level has a residual block at the smaller size besides.
 */
export type Architecture =
  | { readonly kind: "mlp"; readonly widths: readonly number[] }
  | { readonly kind: "conv"; readonly channels: readonly number[] }
  | { readonly kind: "residual"; readonly channels: readonly number[] };

type Levels = Exclude<Architecture, { readonly kind: "mlp" }>;
type Extents = readonly [height: number, width: number];

const KERNEL = 4;
const STRIDE = 2;
const PADDING = 1;
const WINDOW = { kernel: KERNEL, stride: STRIDE, padding: PADDING };

/** Heights and widths from the image inwards, one entry more than there are levels. */
function pyramid({ kind, channels }: Levels, event: readonly number[]): readonly Extents[] {
  if (event.length !== 3) {
    throw new InputError(
      `a ${kind} network needs images [channels, height, width], got [${event.join(", ")}]; use mlp`,
    );
  }
  const [, height, width] = event;
  const half = (extent: number): number => Math.floor((extent + 2 * PADDING - KERNEL) / STRIDE) + 1;
  const sizes: Extents[] = [[height, width]];
  for (const _ of channels) {
    const [before] = sizes.slice(-1);
    const next: Extents = [half(before[0]), half(before[1])];
    if (Math.min(...next) < 1) {
      throw new InputError(
        `an image of ${height}×${width} cannot be halved ${channels.length} times; use fewer channels`,
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
    return sequential(flattenEvent(event), multilayer(name, sizeOf(event), architecture.widths, outputs));
  }
  const { channels } = architecture;
  const sizes = pyramid(architecture, event);
  const levels = channels.map((count, i) => {
    const halve = conv(`${name}/conv${i + 1}`, i === 0 ? event[0] : channels[i - 1], count, WINDOW);
    return sequential(halve, ...blocks(architecture, `${name}/block${i + 1}`, count), relu);
  });
  const last = [channels[channels.length - 1], ...sizes[channels.length]];
  return sequential(...levels, flattenEvent(last), head(name, sizeOf(last), outputs));
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
    const network = multilayer(name, latents, architecture.widths.toReversed(), sizeOf(event), { bias });
    return sequential(network, unflattenEvent(event));
  }
  const channels = architecture.channels.toReversed();
  const sizes = pyramid(architecture, event).toReversed();
  const first = [channels[0], ...sizes[0]];
  const levels = channels.map((count, i) => {
    const last = i === channels.length - 1;
    const outputs = last ? event[0] : channels[i + 1];
    const start = last ? { weight: glorotUniform(count * KERNEL * KERNEL, outputs * KERNEL * KERNEL), bias } : {};
    const outputPadding = leftOver(sizes[i], sizes[i + 1]);
    const double = convTranspose(`${name}/conv${i + 1}`, count, outputs, { ...WINDOW, outputPadding, ...start });
    return sequential(...blocks(architecture, `${name}/block${i + 1}`, count), relu, double);
  });
  const input = dense(`${name}/input`, latents, sizeOf(first), { weight: heNormal(latents) });
  return sequential(input, unflattenEvent(first), ...levels);
}

/** What the stride left over on the way in, to be put back on the way out. */
function leftOver(small: Extents, large: Extents): Extents {
  const rest = (axis: 0 | 1): number => large[axis] - (STRIDE * (small[axis] - 1) + KERNEL - 2 * PADDING);
  return [rest(0), rest(1)];
}

/**
 * The residual block of a level, where it has one: x + conv₂(relu(conv₁(relu(x)))), 3×3. He et al. 2016, "Identity
 * mappings in deep residual networks", without their normalisation. conv₂ starts at 0 and the block so at the identity:
 * the network starts as the plain one, whose activations keep their variance. Zhang et al. 2019, "Fixup", §3.
 */
function blocks({ kind }: Levels, name: string, channels: number): readonly Layer[] {
  if (kind === "conv") return [];
  const window = { kernel: 3, padding: 1 };
  const first = conv(`${name}/conv1`, channels, channels, window);
  const second = conv(`${name}/conv2`, channels, channels, { ...window, weight: zeros });
  return [residual(sequential(relu, first, relu, second))];
}

function head(name: string, inputs: number, outputs: number): Layer {
  return dense(`${name}/output`, inputs, outputs, { weight: glorotUniform(inputs, outputs) });
}
