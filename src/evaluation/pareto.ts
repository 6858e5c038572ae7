/** Fewer numbers beyond the threshold say nothing of the tail. */
export const FEWEST_EXCEEDANCES = 5;

/**
 * k̂ of the generalized Pareto distribution that these ascending exceedances (> 0) look drawn from: the larger, the heavier
 * the tail; moments of order 1/k and above are infinite. The posterior mean of Zhang & Stephens 2009, §3, drawn a little
 * towards ½ as Vehtari et al. 2024, appendix C, do. NaN of fewer than five.
 */
export function paretoShape(exceedances: ArrayLike<number>): number {
  const n = exceedances.length;
  if (n < FEWEST_EXCEEDANCES) return Number.NaN;
  const largest = exceedances[n - 1];
  const quartile = exceedances[Math.floor(n / 4 + 0.5) - 1];
  const points = 30 + Math.floor(Math.sqrt(n));
  // θ_j = 1/x_(n) + (1 − √(m/(j − ½))) / 3x_(n/4), the grid of the likelihood of θ = −k/σ
  const grid = Float64Array.from({ length: points }, (_, j) => {
    return 1 / largest + (1 - Math.sqrt(points / (j + 0.5))) / (3 * quartile);
  });
  const shapeAt = (theta: number): number => {
    let total = 0;
    for (let i = 0; i < n; i++) total += Math.log1p(-theta * exceedances[i]);
    return total / n;
  };
  // the profile log-likelihood n(log(−θ/k) − k − 1), k = mean log(1 − θx)
  const profile = grid.map((theta) => {
    const k = shapeAt(theta);
    return n * (Math.log(-theta / k) - k - 1);
  });
  const best = profile.reduce((a, b) => Math.max(a, b));
  const weights = profile.map((value) => Math.exp(value - best));
  const total = weights.reduce((a, b) => a + b, 0);
  const theta = grid.reduce((sum, value, j) => sum + value * weights[j], 0) / total;
  const PRIOR = 10; // as many exceedances as the ½ counts for
  return (n * shapeAt(theta) + PRIOR * 0.5) / (n + PRIOR);
}

/**
 * Above this k̂ a mean of so many weights is not to be trusted, nor its standard error: min(1 − 1/log₁₀ S, 0.7).
 * Vehtari et al. 2024, §3.2.4.
 */
export function largestTrustedShape(samples: number): number {
  return Math.min(1 - 1 / Math.log10(samples), 0.7);
}
