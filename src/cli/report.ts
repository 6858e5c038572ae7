import { Command } from "commander";
import { addRunFlags, type RunFlags } from "./flags.ts";

const example = `
Example:
  reparam report runs/fashion-1                              writes runs/fashion-1/report.html anew`;

/** `reparam report RUN` */
export function reportCommand(): Command {
  const command = new Command("report")
    .description("the run's report.html made anew, from its files and its data")
    .argument("<run>", "run folder");
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, flags: RunFlags) => {
      const { rebuildReport } = await import("./report-action.ts");
      await rebuildReport(path, flags);
    });
}
