import { BinaryReader } from "@bufbuild/protobuf/wire";
import { z } from "zod";
import { fnv1a32 } from "../checksum.ts";
import { InputError } from "../errors.ts";
import type { LoweredProgram } from "./lower.ts";
import { CHECKSUM_KEY, INTERFACE_KEY, METADATA_FIELD } from "./proto.ts";

const dtype = z.enum(["float", "int", "bool", "uint8"]);
const shape = z.array(z.union([z.number(), z.string()]));
/** Files hold no starting values. */
const noStart = z.object({ law: z.literal("constant"), value: z.literal(0) }).default({ law: "constant", value: 0 });
const leaf = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("data"), name: z.string() }),
  z.object({ kind: z.literal("hyper"), name: z.string() }),
  z.object({ kind: z.literal("local"), name: z.string(), initial: noStart }),
  z.object({ kind: z.literal("noise"), name: z.string(), law: z.enum(["normal", "uniform"]), sampled: z.boolean() }),
]);
const interfaceSchema = z.object({
  precision: z.enum(["float32", "float64"]),
  inputs: z.array(z.object({ name: z.string(), dtype, shape, leaf })),
  outputs: z.array(z.object({ name: z.string(), dtype, shape })),
});

/**
 * A program read back from its file: what its inputs and outputs are stands in the file's metadata, behind a checksum.
 * @throws InputError where the file is truncated, damaged, or not one of ours.
 */
export function readProgram(bytes: Uint8Array, file: string): LoweredProgram {
  const { metadata, checksumStart } = readMetadata(bytes, file);
  const written = metadata.get(CHECKSUM_KEY);
  const description = metadata.get(INTERFACE_KEY);
  if (written === undefined || description === undefined) {
    throw new InputError(`${file}: an ONNX file written by reparam is expected, this one does not describe its inputs`);
  }
  const actual = fnv1a32(bytes.subarray(0, checksumStart));
  if (actual !== written) {
    throw new InputError(
      `${file}: is damaged (checksum ${actual}, written as ${written}); export it again from a checkpoint`,
    );
  }
  const parsed = interfaceSchema.safeParse(JSON.parse(description));
  if (!parsed.success) throw new InputError(`${file}: was written by another version of reparam; export it again`);
  return { bytes, ...parsed.data };
}

function readMetadata(bytes: Uint8Array, file: string): { metadata: Map<string, string>; checksumStart: number } {
  const metadata = new Map<string, string>();
  let checksumStart = 0;
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [field, type] = reader.tag();
      if (field !== METADATA_FIELD) {
        reader.skip(type);
        continue;
      }
      const end = reader.uint32() + reader.pos;
      const entry = ["", ""];
      while (reader.pos < end) {
        const [part] = reader.tag();
        entry[part - 1] = reader.string();
      }
      metadata.set(entry[0], entry[1]);
      if (entry[0] === CHECKSUM_KEY) checksumStart = start;
    }
  } catch {
    throw new InputError(
      `${file}: is no ONNX file, or a truncated one (${bytes.length} bytes); export it again from a checkpoint`,
    );
  }
  return { metadata, checksumStart };
}
