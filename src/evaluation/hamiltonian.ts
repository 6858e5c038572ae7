/** Where many chains stand, and what is known there: z [chains, k], log-densities and their gradients in z. Float64. */
export interface Place {
  readonly z: Float64Array;
  readonly logStart: Float64Array;
  readonly logTarget: Float64Array;
  readonly startGradient: Float64Array;
  readonly targetGradient: Float64Array;
}

/** What one transition of all chains needs. */
export interface Transition {
  /** The law that it leaves as it is: p₀^(1 − β) p_T^β, unnormalised. */
  readonly beta: number;
  readonly leapfrogSteps: number;
  /** The step size of each chain. */
  readonly stepSizes: ArrayLike<number>;
  /** Standard normals [chains, k] and uniforms [chains]. */
  readonly momentum: ArrayLike<number>;
  readonly uniform: ArrayLike<number>;
  /** What is known at other z. */
  readonly at: (z: Float64Array) => Promise<Place>;
}

/** (1 − β) log p₀ + β log p_T of one chain. */
function energyOf({ logStart, logTarget }: Place, beta: number, chain: number): number {
  return (1 - beta) * logStart[chain] + beta * logTarget[chain];
}

/**
 * One step of Hamiltonian Monte Carlo in every chain: `leapfrogSteps` of the leapfrog, then Metropolis. Reversible, so it also
 * runs annealing backwards. Neal 2011, §2.2 and 3.2. Changes `place` and gives the probability with which each chain moved.
 */
export async function hamiltonianStep(place: Place, transition: Transition): Promise<Float64Array> {
  const { beta, leapfrogSteps, stepSizes, momentum, uniform, at } = transition;
  const chains = place.logStart.length;
  const k = place.z.length / chains;
  const p = Float64Array.from(momentum);
  const z = Float64Array.from(place.z);
  const kick = ({ startGradient, targetGradient }: Place, part: number): void => {
    for (let i = 0; i < p.length; i++) {
      const slope = (1 - beta) * startGradient[i] + beta * targetGradient[i];
      p[i] += part * stepSizes[Math.floor(i / k)] * slope;
    }
  };
  const kinetic = (chain: number): number => {
    let total = 0;
    for (let j = 0; j < k; j++) total += p[chain * k + j] ** 2;
    return 0.5 * total;
  };
  const before = Float64Array.from({ length: chains }, (_, chain) => kinetic(chain));
  let proposal = place;
  kick(proposal, 0.5);
  for (let step = 1; step <= leapfrogSteps; step++) {
    for (let i = 0; i < z.length; i++) z[i] += stepSizes[Math.floor(i / k)] * p[i];
    proposal = await at(z);
    kick(proposal, step === leapfrogSteps ? 0.5 : 1);
  }
  // min(1, exp(H(z, p) − H(z′, p′))); where the trajectory has left the finite numbers, 0
  return before.map((energy, chain) => {
    const gain = energyOf(proposal, beta, chain) - energyOf(place, beta, chain) + energy - kinetic(chain);
    const probability = Number.isNaN(gain) ? 0 : Math.min(1, Math.exp(gain));
    if (uniform[chain] < probability) move(place, proposal, chain, k);
    return probability;
  });
}

function move(to: Place, from: Place, chain: number, k: number): void {
  for (const key of ["z", "startGradient", "targetGradient"] as const) {
    to[key].set(from[key].subarray(chain * k, (chain + 1) * k), chain * k);
  }
  to.logStart[chain] = from.logStart[chain];
  to.logTarget[chain] = from.logTarget[chain];
}
