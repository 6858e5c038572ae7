import { ShapeError } from "../errors.ts";
import {
  add,
  affine,
  broadcastTo,
  conv2d,
  convTranspose2d,
  type Dim,
  div,
  less,
  matmul,
  mul,
  reshape,
  scope,
  sqrt,
  square,
  sub,
  type Tensor,
  toFloat,
} from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import type { OutputPadding } from "../tensor/ops/convolution.ts";
import { mean } from "../tensor/ops/reduce.ts";
import { multiply, show } from "../tensor/shape.ts";
import type { Initial } from "../tensor/tensor.ts";
import { glorotUniform, heNormal, ones, zeros } from "./initialisers.ts";

/** A function of tensors that holds parameters. Leading axes, of samples and examples, pass through. */
export type Layer = (x: Tensor) => Tensor;

export interface DenseOptions {
  readonly weight?: Initial;
  /** The bias's start; `false` for none. */
  readonly bias?: Initial | false;
}

/** x ↦ x·W + b: [..., inputs] → [..., outputs]. Parameters `name/weight` [inputs, outputs] and `name/bias`. */
export function dense(name: string, inputs: number, outputs: number, options: DenseOptions = {}): Layer {
  const weight = parameter(`${name}/weight`, [inputs, outputs], options.weight ?? glorotUniform(inputs, outputs));
  if (options.bias === false) return (x) => scope(name, () => matmul(x, weight));
  const bias = parameter(`${name}/bias`, [outputs], options.bias ?? zeros);
  return (x) => scope(name, () => affine(x, weight, bias));
}

export interface ConvOptions extends DenseOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
}

/** Applies to images [..., channels, height, width] what is written for [batch, channels, height, width]. */
function overImages(x: Tensor, apply: (images: Tensor) => Tensor): Tensor {
  if (x.shape.length < 4)
    throw new ShapeError(`images as [batch, channels, height, width] are expected, got ${show(x.shape)}`);
  const lead = x.shape.slice(0, -3);
  const y = apply(reshape(x, [multiply(...lead), ...x.shape.slice(-3)]));
  return reshape(y, [...lead, ...y.shape.slice(-3)]);
}

function withChannelBias(name: string, channels: number, initial: Initial | false = zeros): Layer {
  if (initial === false) return (x) => x;
  const bias = parameter(`${name}/bias`, [channels], initial);
  return (x) => add(x, reshape(bias, [channels, 1, 1]));
}

/** Convolution [..., inputs, h, w] → [..., outputs, h', w']. Parameter `name/weight` [outputs, inputs, kernel, kernel]. */
export function conv(name: string, inputs: number, outputs: number, options: ConvOptions): Layer {
  const { kernel, stride = 1, padding = 0 } = options;
  const fanIn = inputs * kernel * kernel;
  const weight = parameter(`${name}/weight`, [outputs, inputs, kernel, kernel], options.weight ?? heNormal(fanIn));
  const shift = withChannelBias(name, outputs, options.bias);
  return (x) => scope(name, () => overImages(x, (images) => shift(conv2d(images, weight, { stride, padding }))));
}

/**
 * Transposed convolution [..., inputs, h, w] → [..., outputs, h', w'] with h' = stride·(h − 1) + kernel − 2·padding +
 * outputPadding, which may differ by axis. Parameter `name/weight` [inputs, outputs, kernel, kernel].
 */
export function convTranspose(
  name: string,
  inputs: number,
  outputs: number,
  options: ConvOptions & { readonly outputPadding?: OutputPadding },
): Layer {
  const { kernel, stride = 1, padding = 0, outputPadding = 0 } = options;
  // Each output pixel is reached by (kernel/stride)² weights of every input channel.
  const fanIn = (inputs * kernel * kernel) / (stride * stride);
  const weight = parameter(`${name}/weight`, [inputs, outputs, kernel, kernel], options.weight ?? heNormal(fanIn));
  const shift = withChannelBias(name, outputs, options.bias);
  const window = { stride, padding, outputPadding };
  return (x) => scope(name, () => overImages(x, (images) => shift(convTranspose2d(images, weight, window))));
}

/**
 * (x − mean)/√(variance + ε)·weight + bias over the last axis. Ba, Kiros & Hinton 2016, eq. 4.
 * Parameters `name/weight` and `name/bias` [features].
 */
export function layerNorm(name: string, features: number, epsilon = 1e-5): Layer {
  const weight = parameter(`${name}/weight`, [features], ones);
  const bias = parameter(`${name}/bias`, [features], zeros);
  return (x) =>
    scope(name, () => {
      const open = (y: Tensor): Tensor => reshape(y, [...x.shape.slice(0, -1), 1]);
      const centred = sub(x, open(mean(x, -1)));
      const variance = open(mean(square(centred), -1));
      return add(mul(div(centred, sqrt(add(variance, epsilon))), weight), bias);
    });
}

/** x ↦ shortcut(x) + body(x); without a shortcut x itself, whose shape the body must keep. He et al. 2016. */
export function residual(body: Layer, shortcut: Layer = (x) => x): Layer {
  return (x) => {
    const through = body(x);
    const around = shortcut(x);
    if (show(through.shape) !== show(around.shape)) {
      throw new ShapeError(
        `residual: the body makes ${show(through.shape)} and the shortcut ${show(around.shape)}; give a shortcut that fits`,
      );
    }
    return add(around, through);
  };
}

/**
 * Dropout: entries where the uniform noise, of x's shape or one that broadcasts to it, is below `rate` become 0, the
 * others grow by 1/(1 − rate). There is no training flag: without noise there is no dropout. Srivastava et al. 2014.
 */
export function dropout(x: Tensor, rate: number, noise: Tensor): Tensor {
  if (!(rate >= 0 && rate < 1)) throw new ShapeError(`dropout: a rate in [0, 1) is expected, got ${rate}`);
  const dropped = toFloat(less(broadcastTo(noise, x.shape), rate));
  return mul(x, mul(sub(1, dropped), 1 / (1 - rate)));
}

/** One layer after another. */
export function sequential(...layers: readonly Layer[]): Layer {
  return (x) => layers.reduce((value, layer) => layer(value), x);
}

/** The last axes, as many as `event` has, made one. */
export function flattenEvent(event: readonly Dim[]): Layer {
  return (x) => reshape(x, [...x.shape.slice(0, x.shape.length - event.length), multiply(...event)]);
}

/** The last axis split into the axes of `event`. */
export function unflattenEvent(event: readonly number[]): Layer {
  return (x) => reshape(x, [...x.shape.slice(0, -1), ...event]);
}
