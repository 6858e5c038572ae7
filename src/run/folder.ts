/** The run folder: everything that a training run leaves, under the names given here. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { type ProgramName, programNames } from "./facts.ts";
import { errorCode, fileError, isTemporary, readIfThere, removeQuietly, writeAtomically } from "./files.ts";
import { acquireLock, isLockFile, type Lock } from "./lock.ts";
import { appendRow, cutRows, type MetricsRow, readRows } from "./metrics.ts";
import { decodeSafetensors, encodeSafetensors, type TensorFile } from "./safetensors.ts";

/** The version of the folder's files; a folder of another version is refused. */
export const RUN_SCHEMA = 1;

const CONFIG = "config.json";
const METRICS = "metrics.jsonl";
const CHECKPOINT = "checkpoint.safetensors";
const PREVIOUS_CHECKPOINT = "checkpoint.previous.safetensors";
const BEST = "best.safetensors";
const ARTIFACTS = [
  ...programNames.map((name): `${ProgramName}.onnx` => `${name}.onnx`),
  "scores.json",
  "history.safetensors",
  "evaluation.json",
  "report.html",
] as const;
const RUN_FILES: readonly string[] = [CONFIG, METRICS, CHECKPOINT, PREVIOUS_CHECKPOINT, BEST, ...ARTIFACTS];

export type ArtifactName = (typeof ARTIFACTS)[number];

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Tensors and metadata as they were written; the warning says why they are not the latest. */
export interface Checkpoint extends TensorFile {
  readonly warning?: string;
}

/**
 * Makes a run folder, with its parents, and holds its lock. With `force` the files of the run that is there are deleted
 * first; files that no run writes stay.
 * @throws InputError when the folder holds a run (without `force`) or anything else (always), or cannot be written;
 * nothing new stays behind.
 */
export function createRun(path: string, config: JsonObject, { force = false }: { force?: boolean } = {}): Run {
  refuseTaken(path, force);
  const firstMade = makeFolder(path);
  let lock: Lock | undefined;
  try {
    lock = acquireLock(path);
    refuseTaken(path, force); // another process may have made a run since
    for (const name of namesIn(path)) if (isTemporary(name) || isReplaced(name)) remove(join(path, name));
    const { schema: _, ...settings } = config;
    writeAtomically(join(path, CONFIG), `${JSON.stringify({ schema: RUN_SCHEMA, ...settings }, null, 2)}\n`);
    return new Run(path, settings, lock);
  } catch (error) {
    lock?.release();
    if (firstMade !== undefined) removeEmptyFolders(path, firstMade);
    throw error;
  }
}

/**
 * Opens a run folder; to write, holds its lock and clears away what a killed process left half-written.
 * @throws InputError when there is no run of this version, or another process holds it.
 */
export function openRun(path: string, { write }: { write: boolean }): Run {
  const config = readConfig(path);
  if (!write) return new Run(path, config);
  const lock = acquireLock(path);
  try {
    for (const name of namesIn(path)) if (isTemporary(name)) removeQuietly(join(path, name));
    cutRows(join(path, METRICS), Number.POSITIVE_INFINITY);
    return new Run(path, readConfig(path), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** An open run folder. A method that cannot read or write its file throws an InputError and leaves the file as it was. */
class Run {
  readonly path: string;
  /** What config.json holds, without its schema version. */
  readonly config: JsonObject;
  #lock: Lock | undefined;
  /** Known to be whole, since this object read or wrote it. */
  #checkpointIsGood = false;

  constructor(path: string, config: JsonObject, lock?: Lock) {
    this.path = path;
    this.config = config;
    this.#lock = lock;
  }

  /** Writes the latest checkpoint and keeps the one before, unless that is not known to be whole: then the older one stays. */
  writeCheckpoint(tensors: ReadonlyMap<string, NdArray>, metadata: Readonly<Record<string, string>>): void {
    const previous = this.#checkpointIsGood ? this.#file(PREVIOUS_CHECKPOINT) : undefined;
    this.#checkpointIsGood = false;
    writeAtomically(this.#writable(CHECKPOINT), encodeSafetensors(tensors, metadata), previous);
    this.#checkpointIsGood = true;
  }

  /**
   * The latest checkpoint; with a warning the one before, where the latest is missing or corrupted; undefined before the first.
   * @throws InputError when neither can be read.
   */
  readCheckpoint(): Checkpoint | undefined {
    const latest = this.#tryTensors(CHECKPOINT);
    this.#checkpointIsGood = latest !== undefined && !(latest instanceof InputError);
    if (latest !== undefined && !(latest instanceof InputError)) return latest;
    const previous = this.#tryTensors(PREVIOUS_CHECKPOINT);
    if (previous === undefined && latest === undefined) return undefined;
    if (previous === undefined || previous instanceof InputError) {
      const faults = [latest, previous].flatMap((fault) => fault?.message ?? []);
      throw new InputError(`${faults.join("; ")}; no checkpoint is left: train again with --force`);
    }
    const fault = latest?.message ?? `${this.#file(CHECKPOINT)}: is missing`;
    return { ...previous, warning: `${fault}; going on from ${PREVIOUS_CHECKPOINT}` };
  }

  writeBest(tensors: ReadonlyMap<string, NdArray>, metadata: Readonly<Record<string, string>>): void {
    writeAtomically(this.#writable(BEST), encodeSafetensors(tensors, metadata));
  }

  /** The best checkpoint, or undefined where there is none yet. */
  readBest(): Checkpoint | undefined {
    return this.#tensors(BEST);
  }

  appendMetrics(row: MetricsRow): void {
    appendRow(this.#writable(METRICS), row);
  }

  readMetrics(): MetricsRow[] {
    return readRows(this.#file(METRICS));
  }

  /** Drops the rows after `step`: those that a resumed run measures again. */
  cutMetrics(step: number): void {
    cutRows(this.#writable(METRICS), step);
  }

  writeArtifact(name: ArtifactName, content: Uint8Array | string): void {
    writeAtomically(this.#writable(name), content);
  }

  /** The bytes of an artifact, or undefined where the run has none of this name. */
  readArtifact(name: ArtifactName): Uint8Array | undefined {
    return readIfThere(this.#file(name));
  }

  /** Releases the lock; from then on the run can only be read. */
  close(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  #file(name: string): string {
    return join(this.path, name);
  }

  #writable(name: string): string {
    if (this.#lock === undefined) throw new Error(`${this.#file(name)}: the run is not open for writing`);
    return this.#file(name);
  }

  #tensors(name: string): TensorFile | undefined {
    const bytes = readIfThere(this.#file(name));
    return bytes && decodeSafetensors(bytes, this.#file(name));
  }

  #tryTensors(name: string): TensorFile | InputError | undefined {
    try {
      return this.#tensors(name);
    } catch (error) {
      if (error instanceof InputError) return error;
      throw error;
    }
  }
}

export type { Run };

/** Whether a file is what a kill leaves of a run that had not begun. */
function isLeftover(name: string): boolean {
  return isLockFile(name) || isTemporary(name);
}

/** Whether `force` deletes this file. config.json is replaced instead, so that a kill never leaves a folder that is no run. */
function isReplaced(name: string): boolean {
  return RUN_FILES.includes(name) && name !== CONFIG;
}

/** Whether there is anything in a folder but what a kill leaves of a run that had not begun; of no folder there is nothing. */
export function hasBegun(path: string): boolean {
  return !namesIn(path).every(isLeftover);
}

/** @throws InputError where a new run may not go: to a folder that holds a run (without `force`) or anything else. */
export function refuseTaken(path: string, force: boolean): void {
  if (!hasBegun(path)) return;
  readConfig(path);
  if (!force) throw new InputError(`${path}: exists: --resume ${path} to go on, --force to replace it`);
}

function readConfig(path: string): JsonObject {
  const file = join(path, CONFIG);
  const bytes = readIfThere(file);
  if (bytes === undefined) {
    if (!existsSync(path)) throw new InputError(`${path}: there is no such folder; give one that reparam train made`);
    if (!hasBegun(path)) {
      throw new InputError(`${path}: no run has begun there; begin one with: reparam train --out ${path}`);
    }
    throw new InputError(`${path}: is not a run folder: it has no ${CONFIG}; choose another folder`);
  }
  const config = parseConfig(new TextDecoder().decode(bytes));
  if (config === undefined || !Number.isInteger(config.schema)) {
    throw new InputError(
      `${file}: is not the config of a run: expected a JSON object with "schema"; choose another folder`,
    );
  }
  const { schema, ...settings } = config;
  if (schema === RUN_SCHEMA) return settings;
  throw new InputError(
    `${file}: has schema ${schema}, this version of reparam reads ${RUN_SCHEMA}: use the version that wrote it or choose another folder`,
  );
}

function parseConfig(text: string): JsonObject | undefined {
  try {
    const config: Json = JSON.parse(text);
    return isObject(config) ? config : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw fileError(folder, "read", error);
  }
}

/** The first of the folders that had to be made, undefined where all were there. */
function makeFolder(path: string): string | undefined {
  try {
    return mkdirSync(path, { recursive: true });
  } catch (error) {
    throw fileError(path, "made", error);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw fileError(path, "deleted", error);
  }
}

/** Removes a folder and its parents up to `first`, as far as they are empty. */
function removeEmptyFolders(path: string, first: string): void {
  try {
    for (let folder = resolve(path); folder.length >= resolve(first).length; folder = dirname(folder))
      rmdirSync(folder);
  } catch {
    // Another process has put something there.
  }
}
