/**
 * Sends this process a signal just before its n-th call that changes a file, SIGNAL_AT_CALL=SIGKILL:n; a write is half done
 * by then. So a test can stop the command at any point of its work on files, and at the same one every time.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [signal, n] = process.env.SIGNAL_AT_CALL.split(":");
let left = Number(n);

for (const name of ["writeFileSync", "fsyncSync", "ftruncateSync", "linkSync", "renameSync", "unlinkSync"]) {
  const call = fs[name];
  fs[name] = (...args) => {
    left -= 1;
    if (left === 0) {
      if (name === "writeFileSync" && signal === "SIGKILL") call(args[0], args[1].slice(0, args[1].length / 2));
      process.kill(process.pid, signal);
    }
    return call(...args);
  };
}
syncBuiltinESMExports();
