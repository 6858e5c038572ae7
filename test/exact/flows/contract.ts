/** What holds for every bijection, whatever its parameters: the contract that each registry is held to. */
import { determinant, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { standardNormal } from "../../../src/distributions/normal.ts";
import { uniform } from "../../../src/distributions/uniform.ts";
import { flow } from "../../../src/flows/flow.ts";
import { namedLeaves } from "../../../src/onnx/lower.ts";
import { stream } from "../../../src/random/stream.ts";
import { compile } from "../../../src/runtime/compile.ts";
import { numericalJacobian } from "../../../src/systems/bijection-checks.ts";
import { gradients } from "../../../src/tensor/gradients.ts";
import { add, constant, data, mul, sum, type Tensor } from "../../../src/tensor/index.ts";
import { type NdArray, sizeOf } from "../../../src/tensor/ndarray.ts";
import { asFloat } from "../../../src/tensor/op.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { staticShape } from "../../../src/tensor/shape.ts";
import { array, drawn, type Feeds, single } from "../single.ts";
import type { Registered } from "./registry.ts";

type Numbers = NdArray<Float64Array>;

const ROWS = 5;

/** Random values of all parameters of a program, N(0, spread²), so that no bijection stands at its start. */
export function randomParameters(outputs: readonly Tensor[], spread = 0.3): Readonly<Record<string, Numbers>> {
  const feeds: Record<string, Numbers> = {};
  for (const { leaf, tensor } of namedLeaves(outputs)) {
    if (leaf.kind !== "parameter") continue;
    const from = stream(5, leaf.name);
    const shape = staticShape(leaf.name, tensor.shape);
    feeds[leaf.name] = array(
      Float64Array.from({ length: sizeOf(shape) }, () => spread * from.normal()),
      shape,
    );
  }
  return feeds;
}

/** Places in the domain: of [0, 1] in its middle, else some deviations either way. */
function placesIn(domain: "unit" | undefined, shape: readonly number[]): Numbers {
  const places = drawn(`places/${shape.join("/")}`, "normal", shape);
  return { shape, data: places.data.map((x) => (domain === "unit" ? 1 / (1 + Math.exp(-x)) : 1.5 * x)) };
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function expectClose(got: ArrayLike<number>, exact: ArrayLike<number>, relative: number, what: string): void {
  expect(got.length, what).toBe(exact.length);
  const apart = Array.from(got, (value, i) => Math.abs(value - exact[i]));
  const allowed = relative * (1 + largest(exact));
  for (const [i, by] of apart.entries()) expect(by, `${what}: ${got[i]}, not ${exact[i]}`).toBeLessThanOrEqual(allowed);
}

/** The tests of one bijection. */
export function holdsContract(registered: Registered): void {
  const { context: width = 0, domain, range } = registered;
  describe.each(registered.dimensions)(`${registered.name}, d = %i`, (d) => {
    const bijection = registered.build(d);
    const leaf = { x: data("x", ["batch", d], "float"), z: data("z", ["batch", d], "float") };
    const context = width > 0 ? data("context", ["batch", width], "float") : undefined;
    const forward = bijection.forward(leaf.x, context);
    const directions = [
      { name: "forward", from: "x", mapped: forward },
      { name: "inverse", from: "z", mapped: bijection.inverse(leaf.z, context) },
    ] as const;
    const contexts = drawn("context", "normal", [ROWS, width]);
    const known = { ...randomParameters([forward.value]), context: contexts, x: placesIn(domain, [ROWS, d]) };
    const [noise] = evaluate([forward.value], known);
    const feeds: Readonly<Record<string, Numbers>> = { ...known, z: noise };
    const fed = (outputs: readonly Tensor[], values: Feeds): Feeds =>
      Object.fromEntries(namedLeaves(outputs).map(({ leaf: { name } }) => [name, values[name]]));

    it("comes back to where it was, with the opposite log-determinant", () => {
      const back = bijection.inverse(forward.value, context);
      const [value, there, home] = evaluate([back.value, forward.logAbsDetJacobian, back.logAbsDetJacobian], feeds);
      // Row 22's 1e-10: roundings of 1e-16 by the condition of maps whose slopes lie within some thousands.
      expectClose(value.data, feeds.x.data, 1e-10, "inverse∘forward");
      expectClose(
        home.data,
        there.data.map((log) => -log),
        1e-10,
        "log|det| of the inverse",
      );
    });

    it("gives its shapes for any leading axes", () => {
      const samples = data("samples", ["samples", "batch", d], "float");
      for (const { value, logAbsDetJacobian } of [
        bijection.forward(samples, context),
        bijection.inverse(samples, context),
      ]) {
        expect(value.shape).toEqual(["samples", "batch", d]);
        expect(logAbsDetJacobian.shape).toEqual(["samples", "batch"]);
      }
      const twice = array([...feeds.x.data, ...feeds.x.data], [2, ROWS, d]);
      const outputs = [bijection.forward(samples, context), forward].flatMap((of) => [of.value, of.logAbsDetJacobian]);
      const [value, log, one, oneLog] = evaluate(outputs, { ...feeds, samples: twice });
      expectClose(value.data, [...one.data, ...one.data], 1e-14, "value");
      expectClose(log.data, [...oneLog.data, ...oneLog.data], 1e-14, "log|det|");
    });

    it.each(directions)("has the log-determinant of its numerical Jacobian, $name", ({ from, mapped }) => {
      const [exact] = evaluate([mapped.logAbsDetJacobian, mapped.value], feeds);
      for (let row = 0; row < ROWS; row++) {
        const rowOf = ({ data: values }: Numbers, size: number): readonly number[] =>
          Array.from(values.subarray(row * size, row * size + size));
        const jacobian = numericalJacobian(rowOf(feeds[from], d), (places) => {
          const [n] = places.shape;
          const repeated = Array.from({ length: n }, () => rowOf(contexts, width)).flat();
          const [value] = evaluate([mapped.value], { ...feeds, context: array(repeated, [n, width]), [from]: places });
          return value.data;
        });
        const numerical = Math.log(Math.abs(determinant(new Matrix(jacobian))));
        expect(Math.abs(numerical - exact.data[row]), `${exact.data[row]}, not ${numerical}`).toBeLessThan(1e-6);
      }
    });

    it.each(directions.filter(({ name }) => name !== bijection.sequential))(
      "has the gradients that differences have, $name",
      ({ mapped }) => {
        const weights = constant(drawn("weights", "normal", [d]).data, [d]);
        const total = add(sum(mul(mapped.value, weights)), sum(mapped.logAbsDetJacobian));
        const leaves = namedLeaves([total]).map(({ leaf: { name }, tensor }) => ({ name, tensor: asFloat(tensor) }));
        const inAll = gradients(
          total,
          leaves.map(({ tensor }) => tensor),
        );
        const [, ...slopes] = evaluate([total, ...inAll], feeds);
        for (const [i, { name }] of leaves.entries()) {
          const { data: at, shape } = feeds[name];
          const direction = drawn(`direction/${name}`, "normal", shape).data;
          const moved = (step: number): number => {
            const there = array(
              at.map((value, j) => value + step * direction[j]),
              shape,
            );
            return evaluate([total], { ...feeds, [name]: there })[0].data[0];
          };
          const h = 1e-6;
          const numerical = (moved(h) - moved(-h)) / (2 * h);
          const terms = slopes[i].data.map((slope, j) => slope * direction[j]);
          const exact = terms.reduce((all, term) => all + term, 0);
          // Differences of 1e-6 keep 1e-9 of sums of some hundreds, and miss a curvature of some thousands by as much.
          expect(Math.abs(numerical - exact), `${name}: ${exact}, not ${numerical}`).toBeLessThan(
            1e-6 * (1 + largest(terms)),
          );
        }
      },
    );

    it("agrees in float32", async () => {
      const outputs = directions.flatMap(({ mapped }) => [mapped.value, mapped.logAbsDetJacobian]);
      const rounded = Object.entries(fed(outputs, feeds)).map(([name, { data: of, shape }]): [string, Numbers] => [
        name,
        array(Float64Array.from(of, Math.fround), shape),
      ]);
      const values = Object.fromEntries(rounded);
      const exact = evaluate(outputs, values);
      for (const [i, { data: got }] of (await single(outputs, values)).entries()) {
        // Roundings of 6e-8 through networks and slopes of some hundreds.
        expectClose(got, exact[i].data, 1e-4, `output ${i}`);
      }
    });

    it.runIf(d === registered.dimensions.at(-1))("stays finite far away, in float32, gradients included", async () => {
      const sizes = domain === "unit" ? [] : [0, 1e-30, 1, 1e4, 1e10];
      const far = domain === "unit" ? [0, 1, 1e-30, 1 - 2 ** -24] : sizes.flatMap((size) => [size, -size]);
      const farBack = range === "unit" ? [1e-30, 1e-7, 0.5, 1 - 2 ** -24] : [0, 1e-30, -1, 1e4, -1e4, 1e10, -1e10];
      for (const { name, from, mapped } of directions) {
        const places = from === "x" ? far : farBack;
        const rows = places.length * d;
        const at = Float64Array.from({ length: rows * d }, (_, i) => places[(i + Math.floor(i / d)) % places.length]);
        const loss = add(sum(mapped.value), sum(mapped.logAbsDetJacobian));
        const leaves = namedLeaves([loss]).map(({ tensor }) => asFloat(tensor));
        const slopes = name === bijection.sequential ? [] : gradients(loss, leaves);
        const outputs = [mapped.value, mapped.logAbsDetJacobian, ...slopes];
        const values = { ...feeds, context: drawn("context", "normal", [rows, width]), [from]: array(at, [rows, d]) };
        for (const [i, { data: got }] of (await single(outputs, fed(outputs, values))).entries()) {
          const bad = Array.from(got).findIndex((value) => !Number.isFinite(value));
          expect(bad, `${name}, output ${i}: ${got[bad]} at ${at[bad]}`).toBe(-1);
        }
      }
    });

    it.runIf(d === 2)("makes a density that integrates to 1", async () => {
      const base = range === "unit" ? uniform(constant([0, 0], [2]), constant([1, 1], [2])) : standardNormal(2);
      const one = width > 0 ? constant(contexts.data.subarray(0, width), [width]) : undefined;
      const model = flow(base, bijection, one);
      const engine = await openEngine({ engine: "native" });
      const logProb = model.logProb(leaf.x);
      const parameters = randomParameters([logProb]);
      const box =
        domain === "unit"
          ? [0, 1, 0, 1]
          : boxOf(evaluate([model.sample(constant(disc(range), [DISC, 2]))], parameters)[0].data);
      const [low, high, lower, upper] = box;
      const [step, across] = [(high - low) / GRID, (upper - lower) / GRID];
      const grid = Float64Array.from({ length: 2 * GRID ** 2 }, (_, i) => {
        const point = i >> 1;
        return i % 2 === 0 ? low + (Math.floor(point / GRID) + 0.5) * step : lower + ((point % GRID) + 0.5) * across;
      });
      const program = await compile(engine, { logProb }, { precision: "float64" });
      const { logProb: logs } = await program.run({ ...parameters, x: { data: grid, shape: [GRID ** 2, 2] } });
      await program.release();
      const total = Array.from(logs.data).reduce((mass, log) => mass + Math.exp(log), 0) * step * across;
      expect(Math.abs(total - 1), `${total}`).toBeLessThan(1e-3); // row 22's
    });
  });
}

/** Points along an axis of the grid that densities are summed on. */
const GRID = 240;
const RINGS = 8;
const DISC = 64 * RINGS;

/** Noise that reaches 6 deviations each way, beyond which lie 1e-8 of the mass; of the unit square, its inside to 1e-5 of its edges. */
function disc(range: "unit" | undefined): Float64Array {
  return Float64Array.from({ length: 2 * DISC }, (_, i) => {
    const [ring, angle] = [(Math.floor(i / 128) + 1) / RINGS, (2 * Math.PI * ((i >> 1) % 64)) / 64];
    const place = 6 * ring * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
    return range === "unit" ? 0.5 + ((0.5 - 1e-5) * place) / 6 : place;
  });
}

/** [low, high, lower, upper] of points of the plane. */
function boxOf(points: Float64Array): readonly number[] {
  return [0, 1].flatMap((axis) => {
    const along = points.filter((_, i) => i % 2 === axis);
    return [Math.min(...along), Math.max(...along)];
  });
}
