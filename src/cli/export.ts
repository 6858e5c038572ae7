import { Command } from "commander";

interface ExportFlags {
  readonly out?: string;
  readonly force?: boolean;
  readonly only?: string;
  readonly json?: boolean;
}

const example = `
Examples:
  reparam export runs/fashion-1 --out model                 all that an app needs, and nothing of the training
  reparam export runs/fashion-1 --out model --only decode,sample`;

/** `reparam export RUN` */
export function exportCommand(): Command {
  return new Command("export")
    .description("the trained model as a folder of its own: ONNX files and what an app must know beside them")
    .argument("<run>", "run folder")
    .option("--out <folder>", "where it goes; NAME-model beside the run by default")
    .option("--only <abilities>", "only what these need: encode, decode, sample, reconstruct, score, with commas")
    .option("--force", "replace an earlier export")
    .option("--json", "print the result as JSON")
    .addHelpText("after", example)
    .action(async (path: string, flags: ExportFlags) => {
      const { exportRunFolder } = await import("./export-action.ts");
      await exportRunFolder(path, flags);
    });
}
