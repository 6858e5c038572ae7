/** log Γ(x) for x > 0: raised above 16 by Γ(x + 1) = xΓ(x), then Stirling's series; to 1e-15. Abramowitz & Stegun 6.1.40. */
export function logGamma(x: number): number {
  let product = 1;
  let a = x;
  for (; a < 16; a++) product *= a;
  const t = 1 / (a * a);
  const series = (1 / 12 - t * (1 / 360 - t * (1 / 1260 - t * (1 / 1680 - t * (1 / 1188 - (t * 691) / 360360))))) / a;
  return (a - 0.5) * Math.log(a) - a + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}
