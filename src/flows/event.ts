import { ShapeError } from "../errors.ts";
import { broadcastTo, constant, type Shape, type Tensor } from "../tensor/index.ts";
import { show } from "../tensor/shape.ts";

/** The axes before the events of d numbers. @throws ShapeError where these are not d. */
export function leadOf(name: string, x: Tensor, d: number): Shape {
  if (x.shape.at(-1) !== d) {
    throw new ShapeError(`${name}: events of ${d} numbers [..., ${d}] are expected, got ${show(x.shape)}`);
  }
  return x.shape.slice(0, -1);
}

/** The same log|det J| for every event: [] or [...] → [...]. */
export function everywhere(logAbsDetJacobian: Tensor | number, lead: Shape): Tensor {
  return broadcastTo(typeof logAbsDetJacobian === "number" ? constant(logAbsDetJacobian) : logAbsDetJacobian, lead);
}
