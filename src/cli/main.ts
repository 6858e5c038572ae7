#!/usr/bin/env node
/** The command `reparam`. What a command needs is imported when it runs, so that help and mistakes are told at once. */
import { Command, CommanderError } from "commander";
import { InputError } from "../errors.ts";
import { reparamVersion } from "../run/versions.ts";
import { allCommands } from "./commands.ts";
import { run } from "./exit.ts";

await run(async () => {
  const program = strict(new Command("reparam"))
    .description(
      "Variational autoencoders and the latent-variable models around them: trained, evaluated, exported as ONNX.",
    )
    .version(reparamVersion(), "-v, --version", "print the version")
    .addHelpText(
      "after",
      "\nExamples:\n  reparam train my-photos\n  reparam sample runs/my-photos-1 --out samples.png\n  reparam score runs/my-photos-1 new-photos",
    )
    .hook("preAction", (_program, command) => refuseEmpty(command));
  for (const command of allCommands()) program.addCommand(strict(command));
  await program.parseAsync().catch(endOfParsing);
});

/** Makes a command throw its user's mistakes instead of printing them in lines of its own and leaving. */
function strict(command: Command): Command {
  return command
    .showSuggestionAfterError()
    .configureOutput({ outputError: () => {} })
    .exitOverride((error) => {
      if (error.exitCode === 0 || error.code === "commander.help") throw error;
      throw new InputError(mistake(error.message, command));
    });
}

/** An empty word is what `--out "$RUN"` gives where RUN is not set. */
function refuseEmpty(command: Command): void {
  const { options, args, registeredArguments } = command;
  const option = options.find((one) => command.getOptionValue(one.attributeName()) === "")?.long;
  const place = option ?? registeredArguments[args.indexOf("")]?.name().toUpperCase();
  if (place !== undefined) throw new InputError(`${place}: a value is expected, got ""`);
}

/** Commander's "error: unknown option '--sed'\n(Did you mean --seed?)" in one line, with what to do. */
function mistake(message: string, command: Command): string {
  const [what, suggestion] = message
    .replace(/^error: /, "")
    .replace(/\.$/, "")
    .split("\n");
  const meant = suggestion?.match(/^\(Did you mean (.*)\?\)$/)?.[1];
  const name = [command.parent?.name(), command.name()].filter(Boolean).join(" ");
  return `${what}; ${meant ? `did you mean ${meant}?` : `see \`${name} --help\``}`;
}

/** Help and version are told by then; help that nobody asked for means that the command was missing. */
function endOfParsing(error: unknown): void {
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode !== 0) process.exitCode = 2;
}
