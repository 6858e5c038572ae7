import { InputError } from "../errors.ts";
import type { Run } from "../run/folder.ts";
import { openRunData, type RunData } from "../run/prepare.ts";
import type { Workplace } from "./use-run.ts";

/** Whether a folder is an exported model: it knows nothing of its training. */
export function isExported({ config }: Run): boolean {
  return config.options === undefined;
}

/**
 * What the run was trained, validated and scored on.
 * @throws InputError where it is not known, or no longer what it was.
 */
export async function openOwnData({
  run,
  config,
  watch,
}: Pick<Workplace, "run" | "config" | "watch">): Promise<RunData> {
  const { options, data } = config;
  if (isExported(run)) {
    throw new InputError(`${run.path}: is an exported model, without its data: name examples, or use the run itself`);
  }
  const parts = await openRunData(options, watch("reading", "files"));
  const { checksum } = parts.source;
  if (checksum === data.checksum) return parts;
  throw new InputError(
    `${options.data ?? "the embedded data"}: is not what this run was trained on (${checksum}, then ${data.checksum})`,
  );
}
