/** `reparam doctor`: what this machine and this installation can do, checked and measured, and what is wrong with them. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Command } from "commander";
import { formatNumber } from "../report/numbers.ts";
import { defaultThreads, describeMachine, type Machine } from "../run/machine.ts";
import { reparamVersion } from "../run/versions.ts";
import type { EngineName } from "../runtime/engine.ts";
import { counted, formatCount, painter } from "./terminal.ts";

/** What is found; the `--json` of the command. */
export interface Findings extends Machine {
  readonly reparam: string;
  /** What a run uses here unless told otherwise, and why where that is not the native engine. */
  readonly engine: { readonly name: EngineName; readonly threads: number; readonly notice?: string };
  /** The builds of ONNX Runtime that load here, by version. */
  readonly onnxRuntime: Readonly<Partial<Record<EngineName, string>>>;
  readonly telemetry: "off" | "on";
  /** Whether there is what WebGPU needs; training uses the CPU only so far. */
  readonly webgpu: "not used yet" | "not used yet; no Vulkan library";
  /** ‖a − b‖ / ‖b‖ of a small program on the engine and in float64. */
  readonly selfTest: { readonly relativeError: number; readonly passed: boolean };
  /** 10⁹ float32 operations a second in matrix products. */
  readonly gigaflops: number;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("tell engine, threads, processor, versions and devices, test them, and say what to do")
    .option("--json", "print it for programs to read")
    .addHelpText("after", "\nExample:\n  reparam doctor --json > machine.json")
    .action(doctor);
}

/** Prints the findings and what to do about them; exit code 1 where the engine computes wrong numbers. */
export async function doctor({ json = false }: { readonly json?: boolean }): Promise<void> {
  const findings = await examine();
  const warnings = warningsAbout(findings);
  process.stdout.write(json ? `${JSON.stringify({ ...findings, warnings }, null, 2)}\n` : page(findings, warnings));
  if (!findings.selfTest.passed) process.exitCode = 1;
}

/** Float32 keeps 6e-8 of a number; 1e-5, as for the golden values, leaves room for sums of a few hundred. */
const TOLERANCE = 1e-5;

async function examine(): Promise<Findings> {
  const [{ openEngine }, { matmulRate, selfTest }] = await Promise.all([import("#engine"), import("./self-test.ts")]);
  const threads = defaultThreads();
  const engine = await openEngine({ threads });
  const wasm = engine.name === "wasm" ? engine : await openEngine({ engine: "wasm", threads });
  const relativeError = await selfTest(engine);
  return {
    reparam: reparamVersion(),
    engine: { name: engine.name, threads: engine.threads, notice: engine.notice },
    onnxRuntime: { [engine.name]: engine.version, wasm: wasm.version },
    telemetry: process.env.ORT_DISABLE_TELEMETRY === "1" || engine.name === "wasm" ? "off" : "on",
    webgpu: hasGpuLibrary() ? "not used yet" : "not used yet; no Vulkan library",
    selfTest: { relativeError, passed: relativeError < TOLERANCE },
    gigaflops: await matmulRate(engine),
    ...describeMachine(),
  };
}

/** WebGPU stands on Vulkan on Linux; macOS and Windows bring what it needs. */
function hasGpuLibrary(): boolean {
  if (process.platform !== "linux") return true;
  const usual = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
  const named = (process.env.LD_LIBRARY_PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...named, ...usual].some((folder) => existsSync(join(folder, "libvulkan.so.1")));
}

/** What is wrong, in plain words, and what to do about it. */
export function warningsAbout(findings: Findings): readonly string[] {
  const { engine, selfTest, telemetry, node, cores, coreLimit } = findings;
  const warnings: string[] = [];
  if (Number.parseInt(node, 10) < 20) {
    warnings.push(`Node ${node} is too old: reparam needs Node 20 or later, see https://nodejs.org`);
  }
  if (engine.name === "wasm") warnings.push(whyNoNativeEngine(findings));
  if (!selfTest.passed) {
    warnings.push(
      `the ${engine.name} engine computes wrong numbers here (relative error ${selfTest.relativeError.toExponential(1)}, ` +
        `expected below ${TOLERANCE.toExponential()}): do not trust its results, and please report it with this page`,
    );
  }
  if (telemetry === "on") warnings.push("ONNX Runtime may report its usage: set ORT_DISABLE_TELEMETRY=1");
  if (coreLimit !== undefined && coreLimit < cores) {
    warnings.push(
      `this container may use ${formatNumber(coreLimit)} of ${cores} cores: set --threads to no more than that`,
    );
  }
  return warnings;
}

function whyNoNativeEngine({ engine, platform, arch, libc }: Findings): string {
  const slow = "everything runs on the Wasm engine, several times slower";
  if (arch !== "x64" && arch !== "arm64") return `${arch} has no native engine: ${slow}; use a 64-bit Node`;
  if (platform === "darwin" && arch === "x64") {
    return `ONNX Runtime has no native build for Intel Macs any more: ${slow}; use a Mac with Apple silicon, or Linux`;
  }
  if (libc === "musl") {
    return `this Linux (Alpine or another with musl) cannot load the native engine: ${slow}; use one with glibc, such as the image node:20-slim`;
  }
  return (
    engine.notice ??
    `no native engine: ${slow}; \`npm install onnxruntime-node --onnxruntime-node-install=skip\` brings it`
  );
}

function page(findings: Findings, warnings: readonly string[]): string {
  const { engine, onnxRuntime, selfTest, cpuFeatures, cores, coreLimit, memory, freeMemory } = findings;
  const paint = painter(process.stdout);
  const packages = { native: "onnxruntime-node", wasm: "onnxruntime-web" };
  const installed = (["native", "wasm"] as const)
    .filter((name) => onnxRuntime[name])
    .map((name) => `${packages[name]} ${onnxRuntime[name]}`);
  const limit = coreLimit !== undefined && coreLimit < cores ? `, limited to ${formatNumber(coreLimit)}` : "";
  const verdict = selfTest.passed ? paint("green", "passed") : paint("red", "failed");
  const gibibytes = (bytes: number): string => formatNumber(bytes / 2 ** 30, 1);
  const rows: readonly (readonly [string, string])[] = [
    ["engine", `${engine.name}, ${counted(engine.threads, "thread")}`],
    ["installed", installed.join(", ")],
    ["self-test", `${verdict}, relative error ${selfTest.relativeError.toExponential(1)} against float64`],
    [
      "speed",
      `${formatCount(findings.gigaflops)} GFLOP/s in float32 matrix products, ${counted(engine.threads, "thread")}`,
    ],
    ["devices", `CPU; WebGPU is ${findings.webgpu}`],
    ["processor", `${findings.cpu}, ${counted(cores, "core")}${limit}`],
    ["features", cpuFeatures?.join(", ") ?? "unknown"],
    ["memory", `${gibibytes(memory)} GiB, ${gibibytes(freeMemory)} free`],
    ["system", [findings.platform, findings.arch, findings.libc].filter(Boolean).join(" ")],
    ["node", findings.node],
    ["telemetry", findings.telemetry],
  ];
  const lines = [
    paint("bold", `reparam ${findings.reparam}`),
    ...rows.map(([name, value]) => `  ${paint("dim", name.padEnd(9))}  ${value}`),
    ...warnings.map((warning) => `${paint("yellow", "warning:")} ${warning}`),
  ];
  if (warnings.length === 0) lines.push(paint("green", "everything is in order"));
  return `${lines.join("\n")}\n`;
}
