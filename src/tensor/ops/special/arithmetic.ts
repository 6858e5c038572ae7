import type { Emitter, Precision, Value } from "../../tensor.ts";
import type { Rational } from "./coefficients.ts";

/** A value of the graph, or a number where a formula has one. */
export type Term = Value | number;

/** The arithmetic of one lowering, so that its formula reads as one. */
export interface Arithmetic {
  readonly add: (a: Term, b: Term) => Value;
  readonly sub: (a: Term, b: Term) => Value;
  readonly mul: (a: Term, b: Term) => Value;
  readonly div: (a: Term, b: Term) => Value;
  readonly neg: (x: Value) => Value;
  readonly abs: (x: Value) => Value;
  readonly exp: (x: Value) => Value;
  readonly log: (x: Value) => Value;
  readonly sqrt: (x: Value) => Value;
  readonly min: (a: Term, b: Term) => Value;
  readonly max: (a: Term, b: Term) => Value;
  readonly less: (a: Term, b: Term) => Value;
  readonly equal: (a: Term, b: Term) => Value;
  readonly where: (condition: Value, a: Term, b: Term) => Value;
  /** c₀ + c₁x + c₂x² + … by Horner's rule. */
  readonly polynomial: (coefficients: readonly number[], x: Value) => Value;
  /** P(x)/Q(x), by the one table or by that of the program's precision. */
  readonly rational: (table: Rational | Readonly<Record<Precision, Rational>>, x: Value) => Value;
  /** xⁿ for a whole n ≥ 1, by products. */
  readonly power: (x: Value, n: number) => Value;
}

export function arithmetic(emit: Emitter): Arithmetic {
  const value = (term: Term): Value => (typeof term === "number" ? emit.floats([term], []) : term);
  const binary =
    (type: string) =>
    (a: Term, b: Term): Value =>
      emit.node(type, [value(a), value(b)]);
  const unary =
    (type: string) =>
    (x: Value): Value =>
      emit.node(type, [x]);
  const [add, mul, div] = [binary("Add"), binary("Mul"), binary("Div")];
  const polynomial = (coefficients: readonly number[], x: Value): Value => {
    const [last, ...rest] = coefficients.toReversed();
    return value(rest.reduce<Term>((sum, coefficient) => add(mul(sum, x), coefficient), last));
  };
  const power = (x: Value, n: number): Value => {
    if (n === 1) return x;
    const half = power(x, Math.floor(n / 2));
    const whole = mul(half, half);
    return n % 2 === 0 ? whole : mul(whole, x);
  };
  return {
    add,
    mul,
    sub: binary("Sub"),
    div,
    neg: unary("Neg"),
    abs: unary("Abs"),
    exp: unary("Exp"),
    log: unary("Log"),
    sqrt: unary("Sqrt"),
    min: binary("Min"),
    max: binary("Max"),
    less: binary("Less"),
    equal: binary("Equal"),
    where: (condition, a, b) => emit.node("Where", [condition, value(a), value(b)]),
    polynomial,
    rational: (table, x) => {
      const { numerator, denominator } = "numerator" in table ? table : table[emit.precision];
      const above = polynomial(numerator, x);
      return denominator.length === 1 ? above : div(above, polynomial(denominator, x));
    },
    power,
  };
}
