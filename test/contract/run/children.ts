import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A process of its own, killed with the test at the latest. */
export class Child {
  readonly lines: string[] = [];
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown>;

  constructor(command: string, args: readonly string[]) {
    const env = { ...process.env, JITI_FS_CACHE: "false" }; // its cache would meet a limit on file sizes too
    this.#process = spawn(command, args, { cwd: root, env });
    this.#process.stderr.pipe(process.stderr);
    this.#closed = once(this.#process, "close");
    createInterface(this.#process.stdout).on("line", (line) => this.lines.push(line));
    onTestFinished(() => {
      this.#process.kill("SIGKILL");
    });
  }

  /** Waits until it has said so many lines. */
  async said(count: number): Promise<void> {
    while (this.lines.length < count) await once(this.#process.stdout, "data");
  }

  tell(): void {
    this.#process.stdin.write("\n");
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** All that it said, once it has ended. */
  async ended(): Promise<readonly string[]> {
    await this.#closed;
    return this.lines;
  }
}

const program = ["--import", "jiti/register", "test/contract/run/child.ts"];

/** A process that does a task of child.ts. */
export function startTask(task: string, folder: string): Child {
  return new Child(process.execPath, [...program, task, folder]);
}

/** The same where no file may become larger than 50 kB, which POSIX's shell counts in blocks of 512 bytes. */
export function startLimitedTask(task: string, folder: string): Child {
  return new Child("sh", ["-c", 'ulimit -f 100 && exec "$0" "$@"', process.execPath, ...program, task, folder]);
}
