/** What `load` gives is typed by what the app needs: `npm run typecheck` fails where an expected error is missing. */
import { type Ability, load, type TrainedModel } from "reparam";
import { expect, expectTypeOf, it } from "vitest";

/** Never called: its types are what is tested. */
async function uses(run: string): Promise<void> {
  const sampler = await load(run, { needs: ["sample"] });
  await sampler.sample(8, { seed: 1, from: "draw" });
  // @ts-expect-error "encode" was not asked for
  await sampler.encode(run);
  // @ts-expect-error "score" was not asked for
  await sampler.score(run);
  // @ts-expect-error the numbers of a sample come from z's mean or a draw
  await sampler.sample(8, { from: "mode" });
  expectTypeOf(sampler).toEqualTypeOf<TrainedModel<"sample">>();

  const two = await load(run, { needs: ["encode", "decode"], threads: 2 });
  const { mean } = await two.encode([[1, 2]]);
  await two.decode(mean);
  // @ts-expect-error "sample" was not asked for
  await two.sample(1);

  const all = await load(run);
  expectTypeOf(all).toEqualTypeOf<TrainedModel<Ability>>();
  expectTypeOf(all).toExtend<TrainedModel<"reconstruct">>();
  const { data, shape } = await all.reconstruct(new Uint8Array(1));
  expectTypeOf(data).toEqualTypeOf<Float32Array>();
  expectTypeOf(shape).toEqualTypeOf<readonly number[]>();
  const { logLikelihood } = await all.score([run, run]);
  expectTypeOf(logLikelihood).toEqualTypeOf<Float64Array>();

  // @ts-expect-error there is no such ability
  await load(run, { needs: ["train"] });
  // @ts-expect-error a number is no run
  await load(1);
  // @ts-expect-error rows of text are no examples
  await all.encode([["a"]]);
  // @ts-expect-error samples are counted
  await all.sample("8");

  const chosen: readonly Ability[] = ["sample"];
  expectTypeOf(await load(run, { needs: chosen })).toEqualTypeOf<TrainedModel>(); // known only as the program runs

  await load(new URL(run));
  await load({ "config.json": new Uint8Array(0) });
  const files: Iterable<File> = [];
  await load(files);
}

it("is a matter of types", () => {
  expect(uses).toBeTypeOf("function");
});
