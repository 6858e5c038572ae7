import { stream } from "../random/stream.ts";
import { addScaled, type Block, inner, orthonormalised } from "./block.ts";
import { type Eigen, symmetricEigen } from "./eigen.ts";

/** Vectors of the space that is searched: for two components of real data, six digits and more of their directions. */
const STEPS = 48;

/**
 * The k largest principal components of centred rows, (1/n)YᵀY = VΛVᵀ, without that matrix: Rayleigh–Ritz in the Krylov space of
 * YᵀY, that is Lanczos with full reorthogonalisation. Golub & Van Loan 2013, §10.1 and 10.3. For pictures of many numbers; `topEigen`
 * goes on to the last digit.
 */
export function leadingComponents(rows: Block, k: number): Eigen {
  const d = rows[0].length;
  const random = stream(0, "linalg/leading");
  const draw = (): Float64Array => Float64Array.from({ length: d }, () => random.normal());
  const applied = (vector: Float64Array): Float64Array => {
    const out = new Float64Array(d);
    for (const row of rows) addScaled(out, inner(row, vector) / rows.length, row);
    return out;
  };
  let basis = orthonormalised([draw()], draw);
  const images: Float64Array[] = [];
  for (let step = 0; step < Math.min(STEPS, d); step++) {
    images.push(applied(basis[step]));
    if (step + 1 < Math.min(STEPS, d)) basis = orthonormalised([...basis, images[step]], draw);
  }
  const projected = basis.map((one, i) =>
    images.map((image, j) => (inner(one, image) + inner(basis[j], images[i])) / 2),
  );
  const { values, vectors: turns } = symmetricEigen(projected);
  const turned = (turn: readonly number[]): readonly number[] => {
    const out = new Float64Array(d);
    for (const [i, part] of turn.entries()) addScaled(out, part, basis[i]);
    return Array.from(out);
  };
  return { values: values.slice(0, k), vectors: turns.slice(0, k).map(turned) };
}
