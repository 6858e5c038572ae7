/** Runs the command for each list of arguments that it is sent, and answers with the exit code. */
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const [main, mark] = process.argv.slice(2);
const outputs = [process.stdout, process.stderr];
/** What a process of one run has to itself: the listeners of these. */
const emitters = [process, ...outputs];
const listeners = () => emitters.map((emitter) => emitter.eventNames().map((name) => [name, emitter.listeners(name)]));
let runs = 0;

process.on("message", async (args) => {
  const before = new Map(emitters.map((emitter) => [emitter, new Set(emitter.listeners(endOf(emitter)))]));
  const idle = process.getActiveResourcesInfo().length;
  process.argv = [process.execPath, main, ...args];
  // A name of its own makes Node run the module again; the modules that it imports stay.
  await import(`${pathToFileURL(main)}?${runs++}`);
  // A process ends when nothing is left to do.
  while (process.getActiveResourcesInfo().length > idle) await setTimeout(1);
  const code = process.exitCode ?? 0;
  for (const [emitter, had] of before) {
    for (const listener of emitter.listeners(endOf(emitter))) {
      if (had.has(listener)) continue;
      emitter.off(endOf(emitter), listener);
      if (emitter === process) listener.call(process, code);
    }
  }
  process.exitCode = undefined;
  for (const output of outputs) output.write(mark);
  process.send(code);
});

/** What is listened to for the end: of the process, or of those who read its output. */
function endOf(emitter) {
  return emitter === process ? "exit" : "error";
}
