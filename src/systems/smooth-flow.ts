import { actnorm } from "../flows/actnorm.ts";
import { type Bijection, compose } from "../flows/bijection.ts";
import { affineCoupling } from "../flows/coupling.ts";
import { linearLu } from "../flows/linear-lu.ts";
import { dense, type Layer, sequential } from "../nn/layers.ts";
import { tanh } from "../tensor/index.ts";

export interface SmoothOptions {
  readonly layers?: number;
  /** Hidden units of each coupling. */
  readonly hidden?: number;
}

/** A flow that is smooth everywhere and takes one pass both ways: couplings with tanh between mixing layers. */
export function smoothFlow(name: string, d: number, { layers = 2, hidden = 8 }: SmoothOptions = {}): Bijection {
  const kept = Math.floor(d / 2);
  const network = (layer: string): Layer =>
    sequential(dense(`${layer}/hidden`, kept, hidden), tanh, dense(`${layer}/output`, hidden, 2 * (d - kept)));
  return compose(
    ...Array.from({ length: layers }, (_, i) => `${name}/${i + 1}`).flatMap((layer) => [
      actnorm(`${layer}/actnorm`, d),
      linearLu(`${layer}/mixing`, d),
      affineCoupling(`${layer}/coupling`, d, kept > 0 ? { network: network(`${layer}/network`) } : {}),
    ]),
  );
}
