import { InputError, ShapeError } from "../../errors.ts";
import { asFloat, type Case, defineOp, magnitudes, type Op } from "../op.ts";
import { multiply, type Shape, show, staticShape } from "../shape.ts";
import type { AnyTensor, Emitter, Tensor, Value } from "../tensor.ts";

/** How a kernel moves: the same on both axes. */
export interface Window {
  readonly stride: number;
  readonly padding: number;
}

interface Geometry extends Window {
  readonly [key: string]: number | readonly number[];
  /** Kernel height and width. */
  readonly kernel: readonly number[];
  /** Height and width on the image side: of a convolution's input, of a transposed convolution's output. */
  readonly size: readonly number[];
}

/*
 * One trilinear form stands behind all three ops: F(x, w, y) = Σ x[n,c,s·i+a−p,s·j+b−p] · w[o,c,a,b] · y[n,o,i,j].
 * `conv` is its derivative in y, `convTranspose` in x and `convWeight` in w, so each one's gradients are the other two.
 */

/** The extent on the feature side for one on the image side. */
function featureSize(extent: number, kernel: number, { stride, padding }: Window): number {
  return Math.floor((extent + 2 * padding - kernel) / stride) + 1;
}

function features(geometry: Geometry): readonly number[] {
  return geometry.size.map((extent, i) => featureSize(extent, geometry.kernel[i], geometry));
}

/** Rows of the image that no window reaches, at the far end: ONNX's output padding. */
function remainder(geometry: Geometry): readonly number[] {
  const { size, kernel, stride, padding } = geometry;
  return size.map((extent, i) => (extent + 2 * padding - kernel[i]) % stride);
}

function onnxWindow({ kernel, stride, padding }: Geometry): { [key: string]: readonly number[] } {
  return { kernel_shape: kernel, strides: [stride, stride], pads: [padding, padding, padding, padding] };
}

function single(emit: Emitter, name: string): void {
  if (emit.precision === "float32") return;
  throw new InputError(`${name}: the engine has no float64 convolution; compile this program for float32`);
}

function imageShape(name: string, x: AnyTensor): readonly [number, number, number] {
  if (x.shape.length !== 4) {
    throw new ShapeError(`${name}: images as [batch, channels, height, width] are expected, got ${show(x.shape)}`);
  }
  const [channels, height, width] = staticShape(name, x.shape.slice(1));
  return [channels, height, width];
}

function kernelShape(name: string, weight: AnyTensor): readonly number[] {
  if (weight.shape.length === 4) return staticShape(name, weight.shape);
  throw new ShapeError(`${name}: a weight of four axes is expected, got ${show(weight.shape)}`);
}

function checkChannels(name: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new ShapeError(`${name}: the images have ${got} channels and the weight ${expected}`);
}

type Visit = (x: number, w: number, y: number) => void;

/** Visits every term of the trilinear form with the three flat positions. */
function forEachTerm(
  [batch, channels, outputs]: readonly [number, number, number],
  geometry: Geometry,
  visit: Visit,
): void {
  const { stride, padding, kernel, size } = geometry;
  const grid = features(geometry);
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < grid[0]; i++)
          for (let j = 0; j < grid[1]; j++)
            for (let a = 0; a < kernel[0]; a++)
              for (let b = 0; b < kernel[1]; b++) {
                const row = stride * i + a - padding;
                const column = stride * j + b - padding;
                if (row < 0 || column < 0 || row >= size[0] || column >= size[1]) continue;
                const image = ((n * channels + c) * size[0] + row) * size[1] + column;
                const weight = ((o * channels + c) * kernel[0] + a) * kernel[1] + b;
                visit(image, weight, ((n * outputs + o) * grid[0] + i) * grid[1] + j);
              }
}

const settings = [
  { kernel: 3, stride: 1, padding: 1, size: [5, 5] },
  { kernel: 4, stride: 2, padding: 1, size: [6, 6] },
  { kernel: 3, stride: 2, padding: 0, size: [6, 6] }, // one row is left over, and no padding to take it from
  { kernel: 3, stride: 2, padding: 1, size: [6, 6] },
  { kernel: 2, stride: 3, padding: 1, size: [7, 7] },
  { kernel: 4, stride: 2, padding: 1, size: [4, 5] }, // left over on one axis only
  { kernel: 4, stride: 2, padding: 1, size: [7, 2] },
];
type Sides = {
  readonly image: readonly number[];
  readonly weight: readonly number[];
  readonly feature: readonly number[];
};

/** Test cases on one geometry after another; `pick` says which two of the three sides go in. */
function cases(channels: number, pick: (sides: Sides) => readonly (readonly number[])[]): readonly Case<Geometry>[] {
  return settings.map(({ kernel, stride, padding, size }) => {
    const geometry = { stride, padding, kernel: [kernel, kernel], size };
    const sides = {
      image: [2, channels, ...size],
      weight: [3, channels, kernel, kernel],
      feature: [2, 3, ...features(geometry)],
    };
    return {
      name: `kernel ${kernel}, stride ${stride}, padding ${padding}, size ${size.join("×")}, ${channels} channels`,
      inputs: pick(sides).map((shape) => ({ shape, low: -10, high: 10 })),
      attributes: geometry,
    };
  });
}

const convOp: Op<Geometry, "float"> = defineOp<Geometry, "float">({
  name: "conv",
  conditioning: magnitudes,
  infer: ([x, weight], geometry) => {
    const [outputs, channels] = kernelShape("conv", weight);
    checkChannels("conv", imageShape("conv", x)[0], channels);
    const grid = features(geometry);
    if (grid.some((extent) => extent < 1)) {
      throw new ShapeError(`conv: a kernel of ${show(geometry.kernel)} does not fit into ${show(x.shape)}`);
    }
    return { shape: [x.shape[0], outputs, ...grid], dtype: "float" };
  },
  lower: (emit, inputs, { inputs: [image, weight], attributes }) => {
    single(emit, "conv");
    const [outputs, channels] = kernelShape("conv", weight);
    // Where the weight's gradient gathers the windows anyway, one matrix product is all that is left to do.
    const isGathered = channels > FEW_CHANNELS && emit.usedBy(image, "convWeight");
    return isGathered
      ? productOfWindows(emit, inputs, [outputs, channels], attributes)
      : emit.node("Conv", inputs, onnxWindow(attributes));
  },
  gradient: (node, upstream, geometry) => {
    const [x, weight] = node.inputs.map(asFloat);
    return [transposeOp([upstream, weight], geometry), weightOp([x, upstream], geometry)];
  },
  reference: ([x, weight], geometry, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    forEachTerm([shape[0], weight.shape[1], shape[1]], geometry, (i, w, o) => {
      out[o] += x.data[i] * weight.data[w];
    });
    return out;
  },
  cases: cases(2, ({ image, weight }) => [image, weight]),
});

const transposeOp: Op<Geometry, "float"> = defineOp<Geometry, "float">({
  name: "convTranspose",
  conditioning: magnitudes,
  infer: ([y, weight], geometry) => {
    const [outputs, channels] = kernelShape("convTranspose", weight);
    const [got, ...grid] = imageShape("convTranspose", y);
    checkChannels("convTranspose", got, outputs);
    if (show(grid) !== show(features(geometry))) {
      throw new ShapeError(
        `convTranspose: ${show(y.shape)} cannot become images of ${show(geometry.size)}; for these it needs ${show(features(geometry))}`,
      );
    }
    return { shape: [y.shape[0], channels, ...geometry.size], dtype: "float" };
  },
  lower: (emit, inputs, { attributes }) => {
    single(emit, "convTranspose");
    return emit.node("ConvTranspose", inputs, { ...onnxWindow(attributes), output_padding: remainder(attributes) });
  },
  gradient: (node, upstream, geometry) => {
    const [y, weight] = node.inputs.map(asFloat);
    return [convOp([upstream, weight], geometry), weightOp([upstream, y], geometry)];
  },
  reference: ([y, weight], geometry, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    forEachTerm([shape[0], shape[1], weight.shape[0]], geometry, (i, w, o) => {
      out[i] += y.data[o] * weight.data[w];
    });
    return out;
  },
  cases: cases(2, ({ feature, weight }) => [feature, weight]),
});

/** Up to this many image channels a dilated convolution is faster than gathering windows into a matrix. */
const FEW_CHANNELS = 3;

const weightOp: Op<Geometry, "float"> = defineOp<Geometry, "float">({
  name: "convWeight",
  conditioning: magnitudes,
  infer: ([x, y], geometry) => ({
    shape: [imageShape("convWeight", y)[0], imageShape("convWeight", x)[0], ...geometry.kernel],
    dtype: "float",
  }),
  lower: (emit, [x, y], { inputs: [image], attributes }) => {
    single(emit, "convWeight");
    const [channels] = imageShape("convWeight", image);
    return channels <= FEW_CHANNELS ? dilated(emit, x, y, attributes) : gathered(emit, x, y, channels, attributes);
  },
  gradient: (node, upstream, geometry) => {
    const [x, y] = node.inputs.map(asFloat);
    return [transposeOp([y, upstream], geometry), convOp([x, upstream], geometry)];
  },
  reference: ([x, y], geometry, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    forEachTerm([x.shape[0], shape[1], shape[0]], geometry, (i, w, o) => {
      out[w] += x.data[i] * y.data[o];
    });
    return out;
  },
  cases: [
    ...cases(2, ({ image, feature }) => [image, feature]),
    ...cases(FEW_CHANNELS + 1, ({ image, feature }) => [image, feature]),
  ],
});

/** The weight's gradient as a convolution of batch-major images with features, its stride as their dilation. */
function dilated(emit: Emitter, x: Value, y: Value, geometry: Geometry): Value {
  const { kernel, stride, padding } = geometry;
  const exchange = (value: Value): Value => emit.node("Transpose", [value], { perm: [1, 0, 2, 3] });
  const grid = features(geometry);
  const window = { kernel_shape: grid, strides: [1, 1], dilations: [stride, stride] };
  const pads = [padding, padding, padding, padding];
  const full = emit.node("Conv", [exchange(x), exchange(y)], { ...window, pads }); // [channels, outputs, kernel + rest]
  const ends = emit.ints(kernel);
  const inside = remainder(geometry).every((rest) => rest === 0)
    ? full
    : emit.node("Slice", [full, emit.ints([0, 0]), ends, emit.ints([2, 3])]);
  return exchange(inside);
}

/** The windows of the images, channels last, as the rows of a matrix [batch · grid, kernel · channels]. */
function windows(emit: Emitter, x: Value, channels: number, geometry: Geometry): Value {
  const { kernel, stride, padding, size } = geometry;
  const [rows, columns] = size.map((extent) => extent + 2 * padding);
  const grid = features(geometry);
  const last = emit.node("Transpose", [x], { perm: [0, 2, 3, 1] });
  const spread = emit.ints([0, padding, padding, 0, 0, padding, padding, 0]);
  const padded = padding === 0 ? last : emit.node("Pad", [last, spread, emit.floats([0], [])]);
  const pixels = emit.node("Reshape", [padded, emit.ints([-1, rows * columns, channels])]);
  const positions: number[] = [];
  for (let i = 0; i < grid[0]; i++)
    for (let j = 0; j < grid[1]; j++)
      for (let a = 0; a < kernel[0]; a++)
        for (let b = 0; b < kernel[1]; b++) positions.push((stride * i + a) * columns + stride * j + b);
  const gathered = emit.node("Gather", [pixels, emit.ints(positions)], { axis: 1 });
  return emit.node("Reshape", [gathered, emit.ints([-1, kernel[0] * kernel[1] * channels])]);
}

/** The shape of the matrix of windows that a node's lowering gathers besides its result, if it gathers one. */
export function gatheredShape({ op, shape, inputs }: AnyTensor): Shape | undefined {
  const [, channels, ...kernel] = shape;
  if (op !== "convWeight" || Number(channels) <= FEW_CHANNELS) return undefined;
  const [batch, , ...grid] = inputs[1].shape;
  return [multiply(batch, ...grid), multiply(...kernel, channels)];
}

/** The weight's gradient as one matrix product of features with windows. */
function gathered(emit: Emitter, x: Value, y: Value, channels: number, geometry: Geometry): Value {
  const outputs = emit.node("Flatten", [emit.node("Transpose", [y], { perm: [1, 0, 2, 3] })], { axis: 1 });
  const product = emit.node("Gemm", [outputs, windows(emit, x, channels, geometry)]); // [outputs, kernel · channels]
  const weight = emit.node("Reshape", [product, emit.ints([-1, ...geometry.kernel, channels])]);
  return emit.node("Transpose", [weight], { perm: [0, 3, 1, 2] });
}

/** The convolution as one matrix product of windows with weights. */
function productOfWindows(
  emit: Emitter,
  [x, weight]: readonly Value[],
  [outputs, channels]: readonly number[],
  geometry: Geometry,
): Value {
  const last = emit.node("Transpose", [weight], { perm: [0, 2, 3, 1] });
  const matrix = emit.node("Flatten", [last], { axis: 1 }); // [outputs, kernel · channels]
  const product = emit.node("Gemm", [windows(emit, x, channels, geometry), matrix], { transB: 1 }); // [batch · grid, outputs]
  const images = emit.node("Reshape", [product, emit.ints([-1, ...features(geometry), outputs])]);
  return emit.node("Transpose", [images], { perm: [0, 3, 1, 2] });
}

/**
 * Cross-correlation of images x [batch, channels, height, width] with weight [outputs, channels, kernel, kernel]
 * → [batch, outputs, ⌊(height + 2·padding − kernel)/stride⌋ + 1, …].
 */
export function conv2d(x: Tensor, weight: Tensor, { stride, padding }: Window): Tensor {
  const [, height, width] = imageShape("conv2d", x);
  const kernel = kernelShape("conv2d", weight).slice(2);
  return convOp([x, weight], { stride, padding, kernel, size: [height, width] });
}

/** Rows and columns that a transposed convolution adds at the far end, alike on both axes or [height, width]. */
export type OutputPadding = number | readonly [height: number, width: number];

/**
 * The transpose of `conv2d` in x: features y [batch, outputs, h, w], weight [outputs, channels, kernel, kernel] → images
 * [batch, channels, stride·(h − 1) + kernel − 2·padding + outputPadding, …].
 */
export function convTranspose2d(
  y: Tensor,
  weight: Tensor,
  { stride, padding, outputPadding = 0 }: Window & { readonly outputPadding?: OutputPadding },
): Tensor {
  const [, ...grid] = imageShape("convTranspose2d", y);
  const kernel = kernelShape("convTranspose2d", weight).slice(2);
  const rest = typeof outputPadding === "number" ? [outputPadding, outputPadding] : outputPadding;
  if (rest.some((extent) => extent < 0 || extent >= stride)) {
    throw new ShapeError(
      `convTranspose2d: the output padding must be below the stride ${stride}, got ${rest.join(" and ")}`,
    );
  }
  const size = grid.map((extent, i) => stride * (extent - 1) + kernel[i] - 2 * padding + rest[i]);
  return transposeOp([y, weight], { stride, padding, kernel, size });
}
