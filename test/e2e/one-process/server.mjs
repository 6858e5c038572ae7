/** Runs the command for each list of arguments that it is sent, and answers with the exit code. */
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const [main, mark] = process.argv.slice(2);
/** What a run listens to until its process ends. */
const ends = [
  [process, "exit"],
  [process.stdout, "error"],
  [process.stderr, "error"],
];
let runs = 0;

process.on("message", async (args) => {
  const before = ends.map(([emitter, event]) => emitter.listeners(event));
  const idle = process.getActiveResourcesInfo().length;
  process.argv = [process.execPath, main, ...args];
  // Under a name of its own Node runs the module anew; the modules that it imports stay.
  await import(`${pathToFileURL(main)}?${runs++}`);
  // A process ends when nothing is left to do.
  while (process.getActiveResourcesInfo().length > idle) await setTimeout(1);
  const code = process.exitCode ?? 0;
  for (const [i, [emitter, event]] of ends.entries()) {
    for (const listener of emitter.listeners(event).filter((one) => !before[i].includes(one))) {
      emitter.off(event, listener);
      if (event === "exit") listener.call(process, code);
    }
  }
  process.exitCode = undefined;
  for (const output of [process.stdout, process.stderr]) output.write(mark);
  process.send(code);
});
