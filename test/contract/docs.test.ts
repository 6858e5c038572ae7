import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { allCommands } from "../../src/cli/commands.ts";
import { gatherOptions } from "../../src/cli/gather-options.ts";

/*
 * The pages are held to the sources: files and links exist, excerpts are excerpts, commands parse.
 */
const root = fileURLToPath(new URL("../../", import.meta.url));

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file)),
].toSorted();

interface Block {
  /** What follows the language, the file that a block is an excerpt of. */
  readonly file: string;
  readonly language: string;
  readonly lines: readonly string[];
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

function blocksOf(text: string): readonly Block[] {
  return [...text.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$/gm)].map(([, language, file, body]) => ({
    language,
    file,
    lines: body.split("\n").slice(0, -1),
  }));
}

function unindented(lines: readonly string[]): string {
  return lines.map((line) => line.trim()).join("\n");
}

/** Targets of links and pictures within the repository, without their anchors. */
function linksOf(text: string): readonly string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map(
    ([, link, attribute]) => link ?? attribute,
  );
  return targets.filter((target) => !/^(https?:|#)/.test(target)).map((target) => target.split("#")[0]);
}

/** Paths from the repository's root that the prose and the commands name. */
function pathsOf(text: string): readonly string[] {
  const named = /(?<![\w./-])(?:src|test|scripts|bench|examples|data|docs|\.ci)\/[\w./-]*[\w/]/g;
  return [...new Set(text.match(named))];
}

/** Code spans, and the lines of shell blocks without their comments. */
function commandsOf(text: string): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "");
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
  const lines = blocksOf(text)
    .filter(({ language }) => language === "sh")
    .flatMap(({ lines }) => lines);
  return [...spans, ...lines]
    .flatMap((line) => line.replace(/\s+#.*$/, "").split(/ && | \|\| /))
    .map((command) => command.trim());
}

/** The words of a command as a shell splits them, quotes taken off. */
function words(command: string): readonly string[] {
  return (command.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""));
}

/** What a command is given after `reparam`: `npx reparam …` and `npm start -- …` are it too. */
function reparamArguments(command: string): readonly string[] | undefined {
  const [first, second, third, ...rest] = words(command);
  if (first === "reparam") return words(command).slice(1);
  if (first === "npx" && second === "reparam") return words(command).slice(2);
  if (first === "npm" && second === "start") return ["train", ...(third === "--" ? rest : [])];
  return undefined;
}

/** Parses without running; throws what the user would be told. A command's name alone is prose. */
function parse([name, ...given]: readonly string[]): void {
  if (name === undefined || name.startsWith("--")) return;
  const command = allCommands().find((candidate) => candidate.name() === name);
  if (!command) throw new Error(`reparam has no command ${name}`);
  if (given.length === 0 || given.includes("--help")) return;
  quiet(command).parse([...given], { from: "user" });
  if (name !== "train") return;
  const { out, resume, force, config, json, ...options } = command.opts();
  gatherOptions(options, undefined);
}

function quiet(command: Command): Command {
  return command
    .action(() => {})
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
}

describe.each(pages)("%s", (page) => {
  const text = read(page);

  it("links to files that exist", () => {
    expect(linksOf(text).filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });

  it("names files that exist", () => {
    expect(pathsOf(text).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("quotes the sources as they are", () => {
    const missing = blocksOf(text).flatMap(({ file, lines }) => {
      if (file === "") return [];
      const source = `\n${unindented(read(file).split("\n"))}\n`;
      // … stands for lines left out: each stretch between is to be found in one piece.
      const stretches = unindented(lines).split("\n…\n");
      return stretches.filter((stretch) => !source.includes(`\n${stretch}\n`)).map((stretch) => ({ file, stretch }));
    });
    expect(missing).toEqual([]);
  });

  it("gives commands that parse", () => {
    for (const command of commandsOf(text)) {
      const given = reparamArguments(command);
      if (given) expect(() => parse(given), command).not.toThrow();
      const [, script] = command.match(/^npm run (?:-s )?([\w:-]+)/) ?? [];
      if (script) expect(manifest.scripts, command).toHaveProperty([script]);
    }
  });
});

it("the README's test command is the one that CI runs", () => {
  expect(commandsOf(read("README.md"))).toEqual(expect.arrayContaining(["npm ci", "npm test"]));
  expect(read("README.md")).toContain("npm ci && npm test");
  expect(read(".ci/run")).toContain("(npm ci && npm test && ");
});
