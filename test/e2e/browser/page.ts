/** Starts the worker and keeps what it sends, or what went wrong in it, where the test looks. */
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
worker.onmessage = ({ data }): void => {
  Object.assign(window, { trained: data });
};
worker.onerror = ({ message }): void => {
  throw new Error(`in the worker: ${message}`);
};
