/** Starts the worker and keeps what it sends where the test looks. */
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
worker.onmessage = ({ data }): void => {
  Object.assign(window, { trained: data });
};
worker.onerror = ({ message }): void => {
  Object.assign(window, { failed: message });
};
