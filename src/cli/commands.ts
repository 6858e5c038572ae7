import type { Command } from "commander";
import { compareCommand } from "./compare.ts";
import { decodeCommand } from "./decode.ts";
import { doctorCommand } from "./doctor.ts";
import { encodeCommand } from "./encode.ts";
import { evaluateCommand } from "./evaluate.ts";
import { exportCommand } from "./export.ts";
import { gradientsCommand } from "./gradients.ts";
import { infoCommand } from "./info.ts";
import { interpolateCommand } from "./interpolate.ts";
import { reconstructCommand } from "./reconstruct.ts";
import { reportCommand } from "./report.ts";
import { sampleCommand } from "./sample.ts";
import { scoreCommand } from "./score.ts";
import { trainCommand } from "./train.ts";
import { traverseCommand } from "./traverse.ts";

/** Every command, in the order of the help. */
export function allCommands(): readonly Command[] {
  return [
    trainCommand(),
    evaluateCommand(),
    compareCommand(),
    gradientsCommand(),
    reportCommand(),
    infoCommand(),
    sampleCommand(),
    reconstructCommand(),
    encodeCommand(),
    decodeCommand(),
    interpolateCommand(),
    traverseCommand(),
    scoreCommand(),
    exportCommand(),
    doctorCommand(),
  ];
}
