import type { NdArray } from "../tensor/ndarray.ts";

/** A copy in row-major order with the axes in another order: axis i of the result is axis `axes[i]` of the array. */
export function transpose({ data, shape }: NdArray, axes: readonly number[]): NdArray {
  const stride = new Array<number>(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]) stride[axis] = step;

  const steps = axes.map((axis) => stride[axis]);
  const dims = axes.map((axis) => shape[axis]);
  const position = dims.map(() => 0);
  const result = data.slice(); // for its type and size; every element is overwritten
  for (let to = 0, from = 0; to < result.length; to++) {
    result[to] = data[from];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++position[axis] < dims[axis]) break;
      from -= steps[axis] * dims[axis];
      position[axis] = 0;
    }
  }
  return { data: result, shape: dims };
}
