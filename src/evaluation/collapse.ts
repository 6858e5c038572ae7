import { ACTIVE_VARIANCE } from "./latents.ts";

/** A latent with a smaller mean rate, in nats, tells the decoder next to nothing. */
const IGNORED_RATE = 0.05;

/** What is known of the latents after training: [k] each. */
export interface LatentUse {
  /** Of the posterior mean, over the data. */
  readonly variances: readonly number[];
  /** Mean KL(q(z_j|x) ‖ p(z_j)), where the closed form splits. */
  readonly rates?: readonly number[];
}

/** A row of metrics.jsonl, as far as it matters here. */
export interface EpochRates {
  readonly epoch: number;
  readonly rates?: readonly number[];
}

export interface LatentDiagnosis {
  readonly latent: number;
  readonly state: "active" | "constant" | "dead";
  readonly rate?: number;
  /** The first epoch from which on a dead one's rate stayed low; undefined where no epoch tells. */
  readonly since?: number;
}

export interface CollapseDiagnosis {
  readonly latents: readonly LatentDiagnosis[];
  /** Plain words: what is so, since when, what to try. */
  readonly lines: readonly string[];
}

/**
 * Which latents the decoder learned to do without. *Active*: the posterior mean varies by more than 0.01 over the data (Burda
 * et al. 2016). *Dead*: it does not, and the rate is below 0.05 nats: the posterior is the prior. *Constant*: it does not, but
 * the rate is larger: a cost that says nothing of x.
 */
export function diagnoseCollapse(use: LatentUse, history: readonly EpochRates[] = []): CollapseDiagnosis {
  const latents = use.variances.map((variance, latent): LatentDiagnosis => {
    const rate = use.rates?.[latent];
    if (variance > ACTIVE_VARIANCE) return { latent, state: "active", rate };
    if (rate !== undefined && rate >= IGNORED_RATE) return { latent, state: "constant", rate };
    return { latent, state: "dead", rate, since: lowSince(latent, history) };
  });
  return { latents, lines: wordsFor(latents, history) };
}

/** The first of the last epochs that all have a low rate of this latent. */
function lowSince(latent: number, history: readonly EpochRates[]): number | undefined {
  let since: number | undefined;
  for (const { epoch, rates } of history.toReversed()) {
    const rate = rates?.[latent];
    if (rate === undefined) continue;
    if (!(rate < IGNORED_RATE)) break;
    since = epoch;
  }
  return since;
}

function wordsFor(latents: readonly LatentDiagnosis[], history: readonly EpochRates[]): readonly string[] {
  const k = latents.length;
  const dead = latents.filter(({ state }) => state === "dead");
  const constant = latents.filter(({ state }) => state === "constant");
  const active = k - dead.length - constant.length;
  const lines = [
    `${active} of ${counted(k, "latent")} ${active === 1 ? "is" : "are"} active: the posterior mean varies over the data, with a variance above ${ACTIVE_VARIANCE}.`,
  ];
  if (dead.length > 0)
    lines.push(`Dead, with a posterior that is the prior: ${named(dead)}.${sinceWhen(dead, history)}`);
  if (constant.length > 0) {
    lines.push(`Constant, with a rate that says nothing of x: ${named(constant)}. Training longer usually removes it.`);
  }
  const remedy = remedyFor(active, dead, history);
  return remedy === undefined ? lines : [...lines, remedy];
}

function sinceWhen(dead: readonly LatentDiagnosis[], history: readonly EpochRates[]): string {
  const known = dead.filter(({ since }) => since !== undefined);
  const first = firstEpoch(history);
  const epochs = new Set(known.map(({ since }) => since));
  if (known.length === 0) return "";
  if (epochs.size === 1 && epochs.has(first)) return ` Since the first epoch that tells, ${first}: never in use.`;
  return ` Since epoch: ${known.map(({ latent, since }) => `${nameOf(latent)} ${since}`).join(", ")}.`;
}

function remedyFor(
  active: number,
  dead: readonly LatentDiagnosis[],
  history: readonly EpochRates[],
): string | undefined {
  if (dead.length === 0) return undefined;
  if (active === 0) {
    return "Nothing of x is in the code: the decoder models the data by itself. Try a smaller decoder, the weight of the KL term rising from 0 over the first epochs, or free bits.";
  }
  const first = firstEpoch(history);
  const died = dead.some(({ since }) => since !== undefined && first !== undefined && since > first);
  const always = dead.every(({ since }) => since === undefined || since === first);
  if (died) {
    return "Latents that were in use and died were priced out: try the weight of the KL term rising more slowly, free bits, or a smaller decoder.";
  }
  return `${always && history.length > 0 ? "They were never needed" : "They cost nothing"}: fewer latents give the same bound. If the reconstructions are worse than you need, try the weight of the KL term rising from 0, free bits, or a smaller decoder.`;
}

function firstEpoch(history: readonly EpochRates[]): number | undefined {
  return history.find(({ rates }) => rates !== undefined)?.epoch;
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

function nameOf(latent: number): string {
  return `z${Array.from(String(latent), (digit) => SUBSCRIPTS[Number(digit)]).join("")}`;
}

function named(latents: readonly LatentDiagnosis[]): string {
  return latents.map(({ latent }) => nameOf(latent)).join(", ");
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
