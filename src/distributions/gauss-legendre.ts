export interface Rule {
  readonly nodes: readonly number[];
  readonly weights: readonly number[];
}

/** The Gauss–Legendre rule on [0, 1]: exact for polynomials of degree 2n − 1. Nodes by Newton's method on P_n (Press et al., §4.6). */
export function gaussLegendre(n: number): Rule {
  const pairs = Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 0;
    for (let iteration = 0; iteration < 8; iteration++) {
      let [before, value] = [0, 1];
      // (k + 1)·P_{k+1} = (2k + 1)·x·P_k − k·P_{k−1}
      for (let k = 0; k < n; k++) [before, value] = [value, ((2 * k + 1) * x * value - k * before) / (k + 1)];
      slope = (n * (x * value - before)) / (x * x - 1);
      x -= value / slope;
    }
    return { node: (1 - x) / 2, weight: 1 / ((1 - x * x) * slope * slope) };
  });
  return { nodes: pairs.map(({ node }) => node), weights: pairs.map(({ weight }) => weight) };
}
