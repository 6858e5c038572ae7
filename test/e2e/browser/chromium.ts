import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executable = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** The written reason of a test that needs a browser where there is none. */
export const leftOut = "left out: no Chromium (set CHROMIUM)";

const flags = [
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
if (process.getuid?.() === 0) flags.push("--no-sandbox"); // Chromium's sandbox refuses to run as root

/** The Chromium that is installed; undefined, and a line that says so, where there is none. Nothing is installed here. */
export async function openChromium(): Promise<Browser | undefined> {
  if (existsSync(executable)) return chromium.launch({ executablePath: executable, args: flags });
  console.warn(`browser tests ${leftOut}`);
  return undefined;
}
