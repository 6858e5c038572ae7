import { gapsFigure } from "./gaps.ts";
import { rateSplitFigure } from "./rate-split.ts";
import type { InferenceFigures } from "./report-input.ts";
import type { Section } from "./section.ts";

/** How good the posteriors are, and what the codes hold; nothing where there is nothing to tell. */
export async function inferenceSection({ rateSplit, gaps, words }: InferenceFigures): Promise<Section | undefined> {
  const figures = await Promise.all([
    ...(rateSplit ? [rateSplitFigure(rateSplit)] : []),
    ...(gaps && gaps.amortization.length > 0 ? [gapsFigure(gaps)] : []),
  ]);
  return figures.length === 0 && words.length === 0 ? undefined : { heading: "Inference", figures, text: words };
}
