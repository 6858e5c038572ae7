/** What the tests of the run folder do in other processes: `node --import jiti/register child.ts TASK FOLDER`. */
import { chmodSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createRun, openRun } from "../../../src/run/folder.ts";
import { acquireLock } from "../../../src/run/lock.ts";
import { filled, stepOf } from "./checkpoint.ts";

const [task, folder] = process.argv.slice(2);

const tasks: Record<string, () => void> = {
  /** Writes checkpoints, each told once it is written, until killed. */
  checkpoints: () => {
    const run = openRun(folder, { write: true });
    for (let step = stepOf(run.readCheckpoint()) + 1; ; step++) {
      run.appendMetrics({ step, text: "x".repeat(20_000) });
      run.writeCheckpoint(filled(step, 100_000), { step: `${step}` });
      say(`${step}`);
    }
  },
  /** Says that it is ready, tries to lock the folder when told to, and ends when told to. */
  lock: () => {
    say("ready");
    waitForInput();
    say(told(() => acquireLock(folder)));
    waitForInput();
  },
  /** Writes 400 kB of each kind, where the caller has limited the size of files. */
  full: () => {
    const run = openRun(folder, { write: true });
    run.readCheckpoint();
    say(told(() => run.writeCheckpoint(filled(2, 100_000), { step: "2" })));
    say(told(() => run.appendMetrics({ step: 2, text: "x".repeat(400_000) })));
    say(told(() => run.writeArtifact("report.html", "x".repeat(400_000))));
  },
  /** Loses the permission to write into the folder while it is open. */
  readOnly: () => {
    const run = openRun(folder, { write: true });
    run.readCheckpoint();
    chmodSync(folder, 0o555);
    if (process.getuid?.() === 0) process.seteuid?.(65534); // root may write anywhere; "nobody" may not
    say(told(() => run.writeCheckpoint(filled(2, 10), { step: "2" })));
    say(told(() => createRun(join(folder, "deeper", "run"), {})));
    say(told(() => openRun(folder, { write: true })));
  },
};

function told(action: () => unknown): string {
  try {
    action();
    return "done";
  } catch (error) {
    return `${error}`;
  }
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function waitForInput(): void {
  readSync(0, new Uint8Array(1));
}

tasks[task]();
