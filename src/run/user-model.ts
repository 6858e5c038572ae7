import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import { fnv1a32 } from "../checksum.ts";
import { InputError } from "../errors.ts";
import * as library from "../index.ts";
import type { DataDescription, Model } from "../models/model.ts";
import * as tensor from "../tensor/index.ts";

/** A checksum of the module's text, so that a run can tell when it has changed. */
export function moduleChecksum(path: string): string {
  if (!existsSync(path)) throw new InputError(`${path}: no such model module`);
  return fnv1a32(readFileSync(path));
}

/**
 * A model of the user's own: the default export of a TypeScript or JavaScript module, called with the data's description.
 * `reparam` in it is this very package, wherever the file lies.
 */
export async function loadUserModel(path: string, description: DataDescription): Promise<Model> {
  moduleChecksum(path);
  const jiti = createJiti(pathToFileURL(resolve(path)).href, {
    virtualModules: { reparam: library, "reparam/tensor": tensor },
  });
  const made = await jiti.import<unknown>(resolve(path), { default: true }).catch((cause: unknown) => {
    throw new InputError(`${path}: cannot be loaded: ${firstLine(cause)}`);
  });
  if (typeof made !== "function") {
    throw new InputError(
      `${path}: a default export is expected that is a function from the data's description to a model`,
    );
  }
  const model: unknown = await callModule(made, path, description);
  if (isModel(model)) return model;
  throw new InputError(
    `${path}: the model needs latents (a number), encoder and decoder (functions) and prior (a distribution)`,
  );
}

async function callModule(
  made: ((...args: never[]) => unknown) | object,
  path: string,
  description: DataDescription,
): Promise<unknown> {
  try {
    return await Reflect.apply(made as (data: DataDescription) => unknown, undefined, [description]);
  } catch (cause) {
    throw new InputError(`${path}: ${firstLine(cause)}`);
  }
}

function isModel(value: unknown): value is Model {
  if (typeof value !== "object" || value === null) return false;
  const { latents, encoder, decoder, prior } = value as Partial<Model>;
  return (
    typeof latents === "number" &&
    typeof encoder === "function" &&
    typeof decoder === "function" &&
    typeof prior === "object"
  );
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0];
}
