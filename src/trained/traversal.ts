/** A point on the way along one latent. */
export interface TraversalPoint {
  readonly latent: number;
  readonly value: number;
  readonly z: readonly number[];
}

/** Each of these latents moved from −range to range in equal steps, the others as in the origin; latent after latent. */
export function traversal(
  origin: readonly number[],
  latents: readonly number[],
  { steps, range }: { readonly steps: number; readonly range: number },
): readonly TraversalPoint[] {
  return latents.flatMap((latent) =>
    Array.from({ length: steps }, (_, i) => {
      const value = range * ((2 * i) / (steps - 1) - 1);
      return { latent, value, z: origin.map((kept, j) => (j === latent ? value : kept)) };
    }),
  );
}
