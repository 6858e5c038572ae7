/** Multinomial logistic regression on numbers of about unit size: p(class|x) = softmax(W[1; x]). */
export interface LogisticFit {
  /** [classes, k + 1], the intercepts first. */
  readonly weights: Float64Array;
  /** The class of the largest score, for rows [n, k]. */
  predict(rows: Float64Array): Int32Array;
  /** Newton steps taken, and the largest entry of the gradient where they ended. */
  readonly steps: number;
  readonly slope: number;
}

const MOST_STEPS = 50;
const MOST_INNER = 100;
/** Of the mean loss's gradient: far below what changes a class. */
const FLAT = 1e-7;

/**
 * Minimises −1/n Σ log softmax(W[1; x_i])_(y_i) + ½ λ‖W without intercepts‖² by Newton's method, each step solved by conjugate
 * gradients (Nocedal & Wright 2006, algorithm 7.1), so that no matrix of all weights is made. Float64. `rows` [n, k], `classes`
 * 0 … C − 1.
 */
export function fitLogistic(
  rows: Float64Array,
  labels: ArrayLike<number>,
  { classes, penalty }: { readonly classes: number; readonly penalty: number },
): LogisticFit {
  const n = labels.length;
  const k = rows.length / n;
  const width = k + 1;
  const weights = new Float64Array(classes * width);
  const shares = new Float64Array(n * classes); // softmax of every row
  const scores = (at: Float64Array, row: number, out: Float64Array): void => {
    for (let c = 0; c < classes; c++) {
      let total = at[c * width];
      for (let j = 0; j < k; j++) total += at[c * width + 1 + j] * rows[row * k + j];
      out[c] = total;
    }
  };
  const room = new Float64Array(classes);
  /** λ on all but the intercepts. */
  const penalise = (out: Float64Array, at: Float64Array): void => {
    for (let i = 0; i < out.length; i++) if (i % width > 0) out[i] += penalty * at[i];
  };
  const addRow = (out: Float64Array, row: number, c: number, factor: number): void => {
    out[c * width] += factor;
    for (let j = 0; j < k; j++) out[c * width + 1 + j] += factor * rows[row * k + j];
  };
  /** The loss, and by the way the softmax of every row. */
  const loss = (at: Float64Array): number => {
    let total = 0;
    for (let i = 0; i < n; i++) {
      scores(at, i, room);
      const largest = room.reduce((a, b) => Math.max(a, b));
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += Math.exp(room[c] - largest);
      for (let c = 0; c < classes; c++) shares[i * classes + c] = Math.exp(room[c] - largest) / sum;
      total += largest + Math.log(sum) - room[labels[i]];
    }
    const squares = at.reduce((sum, value, i) => (i % width > 0 ? sum + value ** 2 : sum), 0);
    return total / n + 0.5 * penalty * squares;
  };
  const gradient = (at: Float64Array): Float64Array => {
    const out = new Float64Array(weights.length);
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < classes; c++) addRow(out, i, c, (shares[i * classes + c] - (labels[i] === c ? 1 : 0)) / n);
    }
    penalise(out, at);
    return out;
  };
  /** H v: the Hessian is 1/n Σ (diag p − ppᵀ) ⊗ [1; x][1; x]ᵀ + λ. */
  const curve = (v: Float64Array): Float64Array => {
    const out = new Float64Array(weights.length);
    for (let i = 0; i < n; i++) {
      scores(v, i, room);
      let mean = 0;
      for (let c = 0; c < classes; c++) mean += shares[i * classes + c] * room[c];
      for (let c = 0; c < classes; c++) addRow(out, i, c, (shares[i * classes + c] * (room[c] - mean)) / n);
    }
    penalise(out, v);
    return out;
  };
  let value = loss(weights);
  let slope = gradient(weights);
  let steps = 0;
  while (steps < MOST_STEPS && largestOf(slope) > FLAT) {
    const direction = conjugateGradients(curve, slope);
    const decrease = dot(slope, direction);
    let size = 1;
    let next = weights.map((weight, i) => weight - size * direction[i]);
    let nextValue = loss(next);
    while (nextValue > value - 1e-4 * size * decrease && size > 1e-8) {
      size /= 2;
      next = weights.map((weight, i) => weight - size * direction[i]);
      nextValue = loss(next);
    }
    if (!(nextValue < value)) break; // rounding is all that is left
    steps += 1;
    weights.set(next);
    value = nextValue;
    slope = gradient(weights);
  }
  return {
    weights,
    steps,
    slope: largestOf(slope),
    predict: (others) => {
      const predicted = new Int32Array(others.length / k);
      for (let i = 0; i < predicted.length; i++) {
        let [best, chosen] = [Number.NEGATIVE_INFINITY, 0];
        for (let c = 0; c < classes; c++) {
          let total = weights[c * width];
          for (let j = 0; j < k; j++) total += weights[c * width + 1 + j] * others[i * k + j];
          if (total > best) [best, chosen] = [total, c];
        }
        predicted[i] = chosen;
      }
      return predicted;
    },
  };
}

/** Solves H d = g to a part of ‖g‖ that shrinks with it, so that the last steps are whole Newton steps. */
function conjugateGradients(curve: (v: Float64Array) => Float64Array, slope: Float64Array): Float64Array {
  const d = new Float64Array(slope.length);
  const residual = Float64Array.from(slope);
  const p = Float64Array.from(slope);
  let squares = dot(residual, residual);
  const norm = Math.sqrt(squares);
  const enough = (Math.min(0.1, Math.sqrt(norm)) * norm) ** 2;
  for (let i = 0; i < MOST_INNER && squares > enough; i++) {
    const curved = curve(p);
    const step = squares / dot(p, curved);
    for (let j = 0; j < d.length; j++) {
      d[j] += step * p[j];
      residual[j] -= step * curved[j];
    }
    const before = squares;
    squares = dot(residual, residual);
    for (let j = 0; j < d.length; j++) p[j] = residual[j] + (squares / before) * p[j];
  }
  return d;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function largestOf(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
