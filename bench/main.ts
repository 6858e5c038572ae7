import { parseArgs } from "node:util";
import { openEngine } from "../dist/index.js";
import { benchCoverage } from "./coverage.ts";
import { benchEpoch } from "./epoch.ts";
import { benchFlow } from "./flow.ts";
import { benchLikelihood } from "./likelihood.ts";
import { provenance } from "./machine.ts";
import { benchMemory } from "./memory.ts";
import { benchMicro } from "./micro.ts";
import { benchMixture } from "./mixture.ts";
import { benchPca } from "./pca.ts";
import { benchPhotos } from "./photos.ts";
import { benchReading } from "./reading.ts";
import { keep, type Outcome, table, writeSummary } from "./results.ts";
import { benchStart } from "./start.ts";
import { benchStep } from "./step.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "15" }, photos: { type: "string", default: "photos" } },
});
const rounds = Number(values.rounds);

const benches: Readonly<Record<string, () => Promise<Outcome>>> = {
  "mlp-step": () => benchStep("mlp", rounds),
  "conv-step": () => benchStep("conv", rounds),
  "iwae-step": () => benchStep("iwae", rounds),
  "aae-step": () => benchStep("aae", rounds),
  "coupling-step": () => benchFlow("coupling", rounds),
  "autoregressive-step": () => benchFlow("autoregressive", rounds),
  likelihood: benchLikelihood,
  pca: () => benchPca(rounds),
  mixture: () => benchMixture(rounds),
  epoch: benchEpoch,
  start: benchStart,
  memory: benchMemory,
  reading: benchReading,
  photos: () => benchPhotos(values.photos),
  coverage: async () => benchCoverage(await openEngine()),
  "mlp-micro": () => benchMicro("mlp"),
  "conv-micro": () => benchMicro("conv"),
};

/** These take minutes, and the bench of photos a folder that scripts/make-photos.mjs makes: they run where they are named. */
const long: readonly string[] = ["photos", "coverage", "likelihood"];
const usual = Object.keys(benches).filter((name) => !long.includes(name));
const unknown = positionals.find((name) => !(name in benches));
if (unknown !== undefined || !(Number.isInteger(rounds) && rounds > 0)) {
  console.error(`usage: npm run bench [-- [${Object.keys(benches).join("] [")}] [--rounds N] [--photos FOLDER]]`);
  process.exit(2);
}

for (const name of positionals.length > 0 ? positionals : usual) {
  const about = await provenance(
    `npm run bench -- ${name} --rounds ${rounds}${name === "photos" ? " --photos FOLDER" : ""}`,
  );
  const outcome = await benches[name]();
  keep({ name, ...about, ...outcome });
  console.log(`\n${name}\n\n${table(outcome.figures)}\n${(outcome.notes ?? []).join("\n")}`);
}
writeSummary();
