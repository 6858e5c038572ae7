import type { AnyModel, DataDescription } from "../models/model.ts";
import { type LayerSummary, networkSummary } from "../models/summary.ts";
import { formatCount } from "./terminal.ts";

/** A longer path is not shown whole. */
const LONGEST = 12;

/** The two networks as a line each: from shape to shape, and how many parameters. */
export function networkLines(model: AnyModel, description: DataDescription): readonly string[] {
  const { encoder, decoder, rest, totals } = networkSummary(model, description);
  const line = (name: string, start: string, layers: readonly LayerSummary[], parameters: number): string => {
    const shapes = layers.map(({ output }) => output).filter((shape) => shape !== "1");
    // The layers of a residual block keep an image's shape: it is shown once.
    const path = [start, ...shapes].filter((shape, i, all) => shape !== all[i - 1] || !shape.includes("×"));
    const shown = path.length > LONGEST ? [...path.slice(0, LONGEST - 3), "…", path[path.length - 1]] : path;
    return `${name}  ${shown.join(" → ")}, ${formatCount(parameters)} parameters`;
  };
  return [
    line("encoder", description.shape.join("×"), encoder, totals.encoder),
    // The inverse of a flow has the parameters that its other direction has.
    ...(totals.decoder > 0 ? [line("decoder", String(model.latents), decoder, totals.decoder)] : []),
    ...(rest.length > 0
      ? [`other    ${rest.map(({ name }) => name).join(", ")}, ${formatCount(totals.rest)} parameters`]
      : []),
  ];
}
