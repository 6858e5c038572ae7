import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openLike } from "../dist/data/open.js";
import type { Dataset } from "../dist/index.js";
import { runConfig } from "../dist/run/config.js";
import { openRun } from "../dist/run/folder.js";
import { openRunData } from "../dist/run/prepare.js";
import { fitIndependentPixels, type PixelFit, scoreIndependentPixels } from "./independent-pixels.ts";
import type { Figure, Outcome } from "./results.ts";
import { command } from "./start.ts";

const BAR_SECONDS = 300;
/** How many bits/dim the model must be below independent pixels. */
const MARGIN = 1;

/** What `reparam evaluate` says of a number; evaluation.json has the same. */
interface Evaluation {
  readonly numbers: readonly { readonly name: string; readonly bitsPerDimension?: number }[];
}

/**
 * `reparam train FOLDER` with default options, from the folder to the report, and its held-out bits/dim beside those of
 * independent pixels fitted by the same likelihood to the same training images. FOLDER-test, where there is one, holds
 * photos of sources that FOLDER has none of: both are scored on it too.
 */
export async function benchPhotos(folder = "photos"): Promise<Outcome> {
  const photos = resolve(folder);
  if (!existsSync(photos)) {
    return { figures: [], notes: [`no photos in ${photos}: node scripts/make-photos.mjs ${folder}`] };
  }
  const temporary = mkdtempSync(join(tmpdir(), "reparam-photos-"));
  try {
    const path = join(temporary, "run");
    const began = performance.now();
    await trainOn(photos, path);
    const seconds = (performance.now() - began) / 1000;
    const { options } = runConfig(openRun(path, { write: false }));
    const { train, validation } = await openRunData(options);
    const fit = fitIndependentPixels(train);
    const held: Evaluation = JSON.parse(readFileSync(join(path, "evaluation.json"), "utf8"));
    const unseen = `${photos}-test`;
    const spread = `${train.length} images [${train.shape.join(", ")}] trained on`;
    return {
      figures: [
        { what: "from the folder to the report", value: seconds, unit: "s", spread, bar: BAR_SECONDS },
        ...compared("held out", held, fit, validation),
        ...(existsSync(unseen)
          ? compared("of other sources", scored(path, unseen), fit, await openLike(unseen, train))
          : []),
      ],
      details: { independentPixels: { scale: fit.scale, trainBitsPerDimension: perDimension(fit.nats, train) } },
    };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function trainOn(photos: string, out: string): Promise<void> {
  const child = spawn(process.execPath, [command, "train", photos, "--out", out], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`reparam train ended with exit code ${code}`);
}

function scored(run: string, photos: string): Evaluation {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [command, "evaluate", run, "--data", photos, "--json"],
    {
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(`reparam evaluate ended with exit code ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

/** The model's likelihood estimate is a lower bound in the mean, so its bits/dim are rather too many than too few. */
function compared(which: string, { numbers }: Evaluation, fit: PixelFit, images: Dataset): readonly Figure[] {
  const model = numbers.find(({ name }) => name === "negative log-likelihood")?.bitsPerDimension;
  if (model === undefined) throw new Error("the run has no negative log-likelihood in bits/dim");
  const pixels = perDimension(scoreIndependentPixels(fit, images), images);
  const about = `${images.length} photos ${which}`;
  return [
    { what: `model, ${about}`, value: model, unit: "bits/dim", bar: Math.floor(100 * (pixels - MARGIN)) / 100 },
    { what: `independent pixels, ${about}`, value: pixels, unit: "bits/dim" },
  ];
}

/** Nats of an image as bits of each number in it. */
function perDimension(nats: number, { shape }: Dataset): number {
  return nats / (shape.reduce((a, b) => a * b) * Math.LN2);
}
