import { InputError } from "../errors.ts";
import type { AnyModel } from "../models/model.ts";
import { builtInModel, fittedModels, type ModelName, modelNames, partsOf } from "../models/names.ts";
import type { OptionName, TrainOptions } from "./options.ts";

/** Every option that is a part of some built-in model. */
const modelParts = [...new Set(modelNames.flatMap((name) => partsOf[name]))];

/** Options of a bound, its gradient and its inference: a variational autoencoder's alone. */
const variational: readonly OptionName[] = [
  "klWeight",
  "lambda",
  "klWarmup",
  "kl",
  "freeBits",
  "capacity",
  "bound",
  "gradient",
  "baseline",
  "inference",
  "klPeriod",
  "samples",
];

/** Options of training by gradients. */
const descent: readonly OptionName[] = [
  "batch",
  "epochs",
  "optimizer",
  "learningRate",
  "warmup",
  "decay",
  "decayEpochs",
  "decayFactor",
  "clip",
  "patience",
  "keep",
  "lineSearch",
  "from",
];

/** Models that are trained by a game, in which nothing tells one epoch from another. */
export const games: readonly ModelName[] = ["adversarial-autoencoder"];

/** Options of the best epoch. */
const ofBest: readonly OptionName[] = ["patience", "keep"];

/** Whether an option says something to a built-in model. */
export function isFor(option: OptionName, name: ModelName): boolean {
  if (games.includes(name) && (ofBest.includes(option) || option === "lineSearch")) return false;
  if (modelParts.includes(option)) return partsOf[name].includes(option);
  if (descent.includes(option)) return !fittedModels.includes(name);
  if (option === "steps") return name !== "pca" && name !== "kernel-pca"; // closed forms
  return name === "vae" || !variational.includes(option);
}

/**
 * Refuses a number that is both given and to be found, flags of training by gradients for a model that is fitted without, and of the best
 * epoch for a game; a config.json has them decided for every model.
 */
export function checkFlags(given: readonly string[], options: TrainOptions, from: (option: string) => string): void {
  if (given.includes("choose") && given.includes("components")) {
    throw new InputError(`${from("choose")}: finds the number that --components gives; give one of them`);
  }
  const name = builtInModel(options.model);
  if (name !== undefined && games.includes(name)) checkGame(given, options, from);
  if (name === undefined || !fittedModels.includes(name)) return;
  const idle = [...descent, "steps" as const].find((option) => given.includes(option) && !isFor(option, name));
  if (idle === undefined) return;
  const what = idle === "steps" ? "is of training by steps" : "is of training by gradients";
  throw new InputError(`${from(idle)}: ${what}, and --model ${name} is fitted without them; leave it out`);
}

/** Refuses flags of the best epoch, for a model that is trained by a game. */
export function checkGame(
  given: readonly string[],
  { keep }: Pick<TrainOptions, "keep">,
  from: (option: string) => string,
): void {
  const idle = ofBest.find((option) => given.includes(option) && !(option === "keep" && keep === "last"));
  if (idle === undefined) return;
  throw new InputError(
    `${from(idle)}: needs a number that tells the best epoch, and this model is trained by a game, which has none; leave it out`,
  );
}

/** Refuses a batch of more examples than there are, or of fewer than the model compares. */
export function checkBatch(
  { batch = 1 }: Pick<TrainOptions, "batch">,
  examples: number,
  { leastBatch = 1 }: AnyModel,
): void {
  if (batch > examples) {
    throw new InputError(`--batch ${batch}: more than the ${examples} training examples; give a smaller one`);
  }
  if (batch < leastBatch) {
    throw new InputError(
      `--batch ${batch}: this model compares the codes of a batch with draws of the prior; give ${leastBatch} examples or more`,
    );
  }
}

/** What these have where nobody gave them. */
const neutral: Partial<Record<OptionName, unknown>> = { klWarmup: 0, bound: "elbo", inference: "joint", samples: 1 };

/** Refuses what the named model does not have, and tells which model does. */
function checkParts(options: TrainOptions, from: (option: string) => string): void {
  const name = builtInModel(options.model);
  const given = new Map<string, unknown>(Object.entries({ ...options }));
  for (const [option, value] of Object.entries(neutral)) if (given.get(option) === value) given.delete(option);
  const isGiven = (option: string): boolean => given.get(option) !== undefined;
  const parts = name === undefined ? [] : partsOf[name];
  const stray = modelParts.find((option) => isGiven(option) && !parts.includes(option));
  if (stray !== undefined && name === undefined) {
    throw new InputError(
      `${from(stray)}: is part of a built-in model; with --model the module ${options.model} decides it`,
    );
  }
  if (stray !== undefined) {
    const able = modelNames.filter((other) => partsOf[other].includes(stray));
    throw new InputError(`${from(stray)}: changes nothing with --model ${name}; it is for ${able.join(", ")}`);
  }
  if (name === undefined || name === "vae") return;
  const idle = variational.find(isGiven);
  if (idle === undefined) return;
  throw new InputError(
    `${from(idle)}: is of the bound that --model vae is trained by, and ${name} is not; leave it out`,
  );
}

/** Refuses parts of an objective that need one another, or exclude one another; the model's own check comes when it is built. */
function checkObjective(options: TrainOptions, from: (option: string) => string): void {
  const { bound, samples, gradient, baseline, capacity, capacitySteps, freeBits } = options;
  if (bound === "importance" && samples < 2) {
    throw new InputError(`${from("bound")}: importance needs --samples 2 or more; with one it is the ELBO`);
  }
  if (baseline === "leave-one-out" && samples < 2) {
    throw new InputError(`${from("baseline")}: leave-one-out needs --samples 2 or more; moving-average does with one`);
  }
  if (baseline !== undefined && gradient !== undefined && gradient !== "score-function") {
    throw new InputError(`${from("baseline")}: is for --gradient score-function, and ${gradient} is chosen`);
  }
  if (capacitySteps !== undefined && capacity === undefined) {
    throw new InputError(`${from("capacitySteps")}: is the rise of the capacity; give --capacity in nats too`);
  }
  if (freeBits !== undefined && capacity !== undefined) {
    throw new InputError(`${from("freeBits")}: and --capacity exclude each other; give one of them`);
  }
}

/** Refuses options that exclude one another, need one another or would change nothing. @throws InputError that names the first. */
export function checkTogether(options: TrainOptions, from: (option: string) => string): void {
  const { klPeriod, klWarmup, lambda, variance } = options;
  if (lambda !== undefined && options.klWeight !== undefined) {
    throw new InputError(`${from("lambda")}: sets the same number as the KL weight, λ = 2ηw; give one of them`);
  }
  if (lambda !== undefined && variance === undefined) {
    throw new InputError(`${from("lambda")}: is a weight beside a squared error, λ = 2ηw; give its --variance η too`);
  }
  checkParts(options, from);
  checkObjective(options, from);
  checkUsed(options, from);
  if (variance !== undefined && (options.likelihood ?? "normal") !== "normal") {
    throw new InputError(`${from("variance")}: is for --likelihood normal, and ${options.likelihood} is chosen`);
  }
  if (options.decay === "steps" && options.decayEpochs === undefined) {
    throw new InputError(`${from("decay")}: steps needs --decay-epochs, those after which the learning rate falls`);
  }
  if (klPeriod !== undefined && klWarmup === 0) {
    throw new InputError(`${from("klPeriod")}: repeats the KL weight's rise, which needs its --kl-warmup in steps`);
  }
  if (options.binarize !== undefined && (options.likelihood ?? "bernoulli") !== "bernoulli") {
    throw new InputError(`${from("binarize")}: is for --likelihood bernoulli, and ${options.likelihood} is chosen`);
  }
  if (klPeriod !== undefined && klWarmup >= klPeriod) {
    throw new InputError(
      `${from("klPeriod")}: ${klPeriod} must be more than the KL warm-up of ${klWarmup} steps: the weight would never reach its height`,
    );
  }
}

/** What an option is for, and whether these options have it. */
interface Use {
  readonly option: OptionName;
  readonly needs: string;
  readonly there: boolean;
}

/** Refuses an option that would change nothing. */
function checkUsed(options: TrainOptions, from: (option: string) => string): void {
  const { posterior, prior, scale, likelihood, inference, transform, kernel, decay } = options;
  const name = builtInModel(options.model);
  const turns = inference === "em" || inference === "per-example";
  const mixed = posterior === "mixture" || prior === "mixture" || prior === "classes" || prior === "vamp";
  const uses: readonly Use[] = [
    {
      option: "temperature",
      needs: "--posterior relaxed or straight-through",
      there: posterior === "relaxed" || posterior === "straight-through",
    },
    ...(["transform", "layers", "bins", "hidden", "mixing"] as const).map((option) => ({
      option,
      needs: "--prior flow, --posterior flow or --model flow",
      there: prior === "flow" || posterior === "flow" || options.model === "flow",
    })),
    {
      option: "tolerance",
      needs: "--em or --missing keep: without them probabilistic-pca is a closed form",
      there: options.model !== "probabilistic-pca" || options.em === true || options.missing !== undefined,
    },
    {
      option: "bins",
      needs: "--transform spline-coupling or spline-autoregressive",
      there: transform === undefined || transform.startsWith("spline"),
    },
    { option: "decayEpochs", needs: "--decay steps", there: decay === "steps" },
    { option: "decayFactor", needs: "--decay steps", there: decay === "steps" },
    {
      option: "lineSearch",
      needs: "one loss that all steps lower, and an adversarial-autoencoder plays a game",
      there: name === undefined || !games.includes(name),
    },
    { option: "gamma", needs: "--kernel rbf or polynomial", there: kernel !== "cosine" },
    { option: "degree", needs: "--kernel polynomial", there: kernel === "polynomial" },
    { option: "coefficient", needs: "--kernel polynomial", there: kernel === "polynomial" },
    { option: "posteriorScale", needs: "--posterior fixed", there: posterior === "fixed" },
    {
      option: "components",
      needs: "a mixture (--posterior, --prior, --likelihood) or --scale low-rank",
      there: options.model === "gaussian-mixture" || mixed || scale === "low-rank" || likelihood === "logistic-mixture",
    },
    {
      option: "innerSteps",
      needs: "--inference em, per-example or semi-amortized",
      there: turns || inference === "semi-amortized",
    },
    {
      option: "innerRate",
      needs: "--inference em, per-example or semi-amortized",
      there: turns || inference === "semi-amortized",
    },
    { option: "outerSteps", needs: "--inference em or per-example", there: turns },
  ];
  const idle = uses.find(({ option, there }) => options[option] !== undefined && options[option] !== false && !there);
  if (idle) throw new InputError(`${from(idle.option)}: changes nothing without ${idle.needs}`);
}
