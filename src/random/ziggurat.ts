export const LAYERS = 256;
/** Where the tail begins: the r for which the last of 256 equal areas closes at height 1. Marsaglia & Tsang 2000, §4. */
export const TAIL = 3.6541528853610088;
/** The area of every layer: r·exp(−r²/2) + √(π/2)·erfc(r/√2). */
const AREA = 0.004928673233974658;

/** Right edges of the layers, x₁ = r > x₂ > … > x₂₅₆ = 0; x₀ is the width of the lowest, tail included, as if it were a box. */
export const edges = new Float64Array(LAYERS + 1);
/** exp(−x²/2) at the edges. */
export const heights = new Float64Array(LAYERS + 1);

edges[0] = AREA / Math.exp(-0.5 * TAIL * TAIL);
edges[1] = TAIL;
heights[1] = Math.exp(-0.5 * TAIL * TAIL);
for (let layer = 2; layer < LAYERS; layer += 1) {
  heights[layer] = heights[layer - 1] + AREA / edges[layer - 1];
  edges[layer] = Math.sqrt(-2 * Math.log(heights[layer]));
}
heights[LAYERS] = 1;
