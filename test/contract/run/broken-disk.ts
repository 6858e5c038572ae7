type Calls = Readonly<Record<string, unknown>>;

/** Whether a call of the file system goes through, fails, or fails half done if it is a write. */
let verdict: (name: string) => "through" | "fails" | "fails half done" = () => "through";

/** The functions of `node:fs`, for a mock of it: those named …Sync obey the functions below. */
export function breakable(actual: Calls): Calls {
  const entries = Object.entries(actual).map(([name, value]) => {
    if (typeof value !== "function" || !name.endsWith("Sync")) return [name, value];
    const call = (...args: readonly unknown[]): unknown => {
      const outcome = verdict(name);
      if (outcome === "through") return Reflect.apply(value, undefined, args);
      const [file, content, ...options] = args;
      if (outcome === "fails half done" && name === "writeFileSync") {
        Reflect.apply(value, undefined, [file, firstHalf(content), ...options]);
      }
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    };
    return [name, call];
  });
  return Object.fromEntries(entries);
}

function firstHalf(content: unknown): string | Uint8Array {
  if (typeof content === "string" || content instanceof Uint8Array) return content.slice(0, content.length / 2);
  throw new Error("writeFileSync was given neither text nor bytes");
}

/**
 * Breaks the n-th call of the file system in `action`: alone ("fail"), or with all calls after it, as if the process had
 * been killed there ("kill"). Tells whether there were so many calls.
 */
export function breakCall(n: number, how: "fail" | "kill", action: () => void): boolean {
  let calls = 0;
  verdict = () => {
    calls++;
    if (calls === n) return "fails half done";
    return calls > n && how === "kill" ? "fails" : "through";
  };
  return finish(action, () => calls >= n);
}

/** Does `other` before the n-th call of the file system in `action`. Tells whether there were so many calls. */
export function interruptCall(n: number, other: () => void, action: () => void): boolean {
  let calls = 0;
  verdict = () => {
    calls++;
    if (calls === n) other(); // its own calls count too, but n has passed
    return "through";
  };
  return finish(action, () => calls >= n);
}

/** The names of the calls of the file system in `action`, in order. */
export function callsOf(action: () => void): readonly string[] {
  const names: string[] = [];
  verdict = (name) => {
    names.push(name);
    return "through";
  };
  finish(action, () => true);
  return names;
}

function finish(action: () => void, reached: () => boolean): boolean {
  try {
    action();
  } finally {
    verdict = () => "through";
  }
  return reached();
}
