import { type Absent, openPython, type Peer } from "./python.ts";
import type { Subject } from "./subject.ts";

/** How PyTorch is run: eager with its default Adam, with its fused one, and with the loss compiled. */
export const flavours: readonly Flavour[] = [
  { name: "torch eager", options: [], barred: true },
  { name: "torch eager, fused Adam", options: ["--fused"], barred: false },
  { name: "torch compiled, fused Adam", options: ["--compile", "--fused"], barred: false },
];

export interface Flavour {
  readonly name: string;
  readonly options: readonly string[];
  /** Whether the bars are held against it. */
  readonly barred: boolean;
}

/** Starts PyTorch in a process of its own, ready and warm, or tells why there is none. */
export function openPeer(subject: Subject, threads: number, flavour: Flavour): Promise<Peer | Absent> {
  const options = ["--model", subject, "--threads", String(threads), ...flavour.options];
  return openPython("step.py", { name: flavour.name, threads, options });
}
