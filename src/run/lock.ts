/** A lock keeps two processes from writing into one folder: a file `lock` that names its holder. */
import { constants, copyFileSync, linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { errorCode, fileError, removeQuietly, temporaryPath } from "./files.ts";

/** A lock that is held until it is released or the process ends. */
export interface Lock {
  release(): void;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** In clock ticks since the machine started: tells a process from a later one of the same number. Absent outside Linux. */
  readonly startTicks?: number;
  readonly since: string;
}

/** Whether a file of this name is a lock, or the lock on taking over a lock. */
export function isLockFile(name: string): boolean {
  return /^lock(\.takeover)*$/.test(name);
}

/**
 * Locks a folder for writing; takes over the lock of a process of this machine that has ended.
 * @throws InputError when another process (or another part of this one) holds it, or the folder cannot be written.
 */
export function acquireLock(folder: string): Lock {
  const path = join(folder, "lock");
  try {
    return acquire(path);
  } catch (error) {
    throw fileError(path, "written", error);
  }
}

function acquire(path: string): Lock {
  const own: Holder = {
    pid: process.pid,
    host: hostname(),
    startTicks: startTicksOf(process.pid),
    since: new Date().toISOString(),
  };
  const text = `${JSON.stringify(own)}\n`;
  while (!create(path, text)) {
    const holder = readHolder(path);
    if (holder === undefined) continue; // released a moment ago
    if (!hasEnded(holder)) throw held(path, holder);
    removeAbandoned(path);
  }
  const release = (): void => {
    process.off("exit", release);
    if (readText(path) === text) removeQuietly(path);
  };
  process.on("exit", release);
  return { release };
}

/** Creates the lock unless it exists. A link appears together with its content. */
function create(path: string, text: string): boolean {
  const temporary = temporaryPath(path);
  try {
    writeFileSync(temporary, text, { flag: "wx" });
    try {
      return exclusively(() => linkSync(temporary, path));
    } catch {
      // FAT and some network drives have no hard links. A copy's content comes a moment after its name.
      return exclusively(() => copyFileSync(temporary, path, constants.COPYFILE_EXCL));
    }
  } finally {
    removeQuietly(temporary);
  }
}

/** Whether the lock is ours. ENOENT: a new holder has cleared our temporary file away with the leftovers of the last one. */
function exclusively(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "EEXIST" || code === "ENOENT") return false;
    throw error;
  }
}

/**
 * Of two processes that found the same ended holder, the slower must not remove the lock that the faster has made since.
 * So removing is itself done under a lock, and looks again.
 */
function removeAbandoned(path: string): void {
  const guard = acquire(`${path}.takeover`);
  try {
    const holder = readHolder(path);
    if (holder !== undefined && hasEnded(holder)) unlinkSync(path);
  } finally {
    guard.release();
  }
}

/** Whether the holder is known to have ended, which a process on another machine never is. */
function hasEnded({ pid, host, startTicks }: Holder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === "ESRCH"; // EPERM: it runs, as another user
  }
  const current = startTicksOf(pid);
  return current !== undefined && startTicks !== undefined && current !== startTicks;
}

/** Field 22 of /proc/PID/stat; NaN, equal to nothing, for a process that has ended and awaits its parent; undefined outside Linux. */
function startTicksOf(pid: number): number | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" ? Number.NaN : Number(fields[18]);
}

function readHolder(path: string): Holder | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    const holder: unknown = JSON.parse(text);
    if (isHolder(holder)) return holder;
  } catch {
    // Told below.
  }
  throw new InputError(`${path}: does not say who holds it: delete it if nothing is writing there`);
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const { pid, host, since }: Partial<Record<keyof Holder, unknown>> = value;
  return Number.isInteger(pid) && typeof host === "string" && typeof since === "string";
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function held(path: string, { pid, host, since }: Holder): InputError {
  const [where, remedy] =
    host === hostname() ? ["", "wait for it or stop it"] : [` on ${host}`, `if it has ended, delete ${path}`];
  return new InputError(`${dirname(path)}: is in use by process ${pid}${where} since ${since}: ${remedy}`);
}
