import { reshape, square, sub, sum } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { refuseCategories } from "./dequantize.ts";
import type { DataDescription, PointModel } from "./model.ts";

/** A model of two maps x ↦ z ↦ x̂ that is judged by ‖x − x̂‖² in the data's own units. */
export function reconstructing(
  { encode, decode }: Pick<PointModel, "encode" | "decode">,
  data: Pick<DataDescription, "shape" | "measure">,
): Pick<PointModel, "encode" | "decode" | "terms" | "gauge"> {
  refuseCategories(data);
  const { shape } = data;
  const event = shape.map((_, i) => i - shape.length);
  return {
    encode,
    decode,
    terms: (x) => ({ squaredError: sum(square(sub(x, decode(encode(x)))), event) }),
    gauge: { term: "squaredError", better: "smaller" },
  };
}

/** Maps between flat examples [..., d] and codes as maps of examples of their shape. */
export function shaped(
  { encode, decode }: Pick<PointModel, "encode" | "decode">,
  { shape }: Pick<DataDescription, "shape">,
): Pick<PointModel, "encode" | "decode"> {
  const d = sizeOf(shape);
  return {
    encode: (x) => encode(reshape(x, [...x.shape.slice(0, x.shape.length - shape.length), d])),
    decode: (z) => {
      const x = decode(z);
      return reshape(x, [...x.shape.slice(0, -1), ...shape]);
    },
  };
}
