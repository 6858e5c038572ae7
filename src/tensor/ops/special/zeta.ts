/** B₂, B₄, …, B₂₀ */
export const BERNOULLI: readonly number[] = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
];

/** The coefficients of t, t³, …, with t = 1/x, in log Γ(x) − (x − ½) log x + x − ½ log 2π: B₂ⱼ/(2j(2j − 1)). */
export const LGAMMA_SERIES: readonly number[] = BERNOULLI.map((b, i) => b / ((2 * i + 2) * (2 * i + 1)));

/** The coefficients of t², t⁴, … in log x − 1/2x − ψ(x): B₂ⱼ/2j. */
export const DIGAMMA_SERIES: readonly number[] = BERNOULLI.map((b, i) => b / (2 * i + 2));

/** The coefficients of t², t⁴, … in tˢ⁻¹(1/(s − 1) + t/2 + …) = ζ(s, x): B₂ⱼ s(s + 1)…(s + 2j − 2)/(2j)!. */
export function zetaSeries(s: number): readonly number[] {
  let factor = 1 / 2; // s(s + 1)…(s + 2j − 2)/(2j)!
  return BERNOULLI.map((b, i) => {
    factor *= i === 0 ? s : ((s + 2 * i - 1) * (s + 2 * i)) / ((2 * i + 1) * (2 * i + 2));
    return b * factor;
  });
}

/** From here on the series of ten terms are exact to float64: the next one is below 1e-17. */
export const FAR = 20;

/** ζ(s, x) = Σ (x + k)⁻ˢ, s > 1, x > 0, in float64: Euler and Maclaurin's sum (Olver et al., DLMF 25.11.28). */
export function hurwitzZeta(s: number, x: number): number {
  let sum = 0;
  let a = x;
  for (; a < FAR; a++) sum += a ** -s;
  return sum + a ** (1 - s) * (1 / (s - 1) + 1 / (2 * a) + seriesIn(zetaSeries(s), 1 / (a * a)));
}

/** Σ cⱼ uʲ, j = 1, 2, … */
export function seriesIn(coefficients: readonly number[], u: number): number {
  return coefficients.reduceRight((sum, c) => (sum + c) * u, 0);
}
