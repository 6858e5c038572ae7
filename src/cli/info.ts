import { Command } from "commander";

const example = `
Example:
  reparam info runs/fashion-1
  reparam info runs/fashion-1 --json`;

/** `reparam info RUN` */
export function infoCommand(): Command {
  return new Command("info")
    .description("what a run is, how far it came, what it can do and which numbers it reached")
    .argument("<run>", "run folder, or an exported model")
    .option("--json", "print it for programs to read")
    .addHelpText("after", example)
    .action(async (path: string, flags: { readonly json?: boolean }) => {
      const { printInfo } = await import("./info-action.ts");
      await printInfo(path, flags);
    });
}
