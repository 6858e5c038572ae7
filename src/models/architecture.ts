import { InputError } from "../errors.ts";
import type { Architecture } from "./networks.ts";

/**
 * Reads `mlp 400 400`, `conv 32,64`, `residual 32,64,128` or `linear`, with spaces or commas between the sizes.
 * @throws InputError for anything else.
 */
export function parseArchitecture(text: string): Architecture {
  const [kind, ...rest] = text.trim().split(/\s*,\s*|\s+/);
  if (kind === "linear" && rest.length === 0) return { kind: "mlp", widths: [] };
  const sizes = rest.map((size) => (/^\d+$/.test(size) ? Number(size) : Number.NaN));
  if (sizes.length > 0 && sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
    if (kind === "mlp") return { kind, widths: sizes };
    if (kind === "conv" || kind === "residual") return { kind, channels: sizes };
  }
  throw new InputError(
    `"mlp WIDTH …", "conv CHANNELS,…", "residual CHANNELS,…" or "linear" is expected, such as "mlp 400 400" or "conv 32,64", got "${text}"`,
  );
}

/** An architecture as `parseArchitecture` reads it. */
export function formatArchitecture(architecture: Architecture): string {
  if (architecture.kind === "mlp" && architecture.widths.length === 0) return "linear";
  return architecture.kind === "mlp"
    ? `mlp ${architecture.widths.join(" ")}`
    : `${architecture.kind} ${architecture.channels.join(",")}`;
}
