import type { Initial } from "../tensor/tensor.ts";

export const zeros: Initial = { law: "constant", value: 0 };
export const ones: Initial = { law: "constant", value: 1 };

/** N(0, 2/fanIn): keeps the variance through a ReLU. He et al. 2015, eq. 10. */
export function heNormal(fanIn: number): Initial {
  return { law: "normal", scale: Math.sqrt(2 / fanIn) };
}

/** U(±√(6/fanIn)), the same variance as `heNormal`. */
export function heUniform(fanIn: number): Initial {
  return symmetric(Math.sqrt(6 / fanIn));
}

/** U(±√(6/(fanIn + fanOut))). Glorot & Bengio 2010, eq. 16. */
export function glorotUniform(fanIn: number, fanOut: number): Initial {
  return symmetric(Math.sqrt(6 / (fanIn + fanOut)));
}

/** N(0, 2/(fanIn + fanOut)). Glorot & Bengio 2010, eq. 12. */
export function glorotNormal(fanIn: number, fanOut: number): Initial {
  return { law: "normal", scale: Math.sqrt(2 / (fanIn + fanOut)) };
}

/** N(0, 1/fanIn): keeps the variance through a linear map. LeCun et al. 1998, §4.6. */
export function lecunNormal(fanIn: number): Initial {
  return { law: "normal", scale: Math.sqrt(1 / fanIn) };
}

function symmetric(bound: number): Initial {
  return { law: "uniform", low: -bound, high: bound };
}
