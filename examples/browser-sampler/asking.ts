import type { Answer, Answers, Kind, Questions } from "./messages.ts";

interface Asker {
  readonly settle: (answer: Answer) => void;
}

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
const waiting = new Map<number, Asker>();
let last = 0;

worker.onmessage = ({ data }: MessageEvent<Answer>): void => {
  waiting.get(data.id)?.settle(data);
  waiting.delete(data.id);
};
worker.onerror = ({ message }): void => {
  for (const [id, { settle }] of waiting) settle({ id, error: `the worker failed: ${message}` });
  waiting.clear();
};

/** Asks the worker; what it cannot do is an Error with one line. */
export function ask<K extends Kind>(kind: K, question: Questions[K]): Promise<Answers[K]>;
export function ask(kind: Kind, question: Questions[Kind]): Promise<Answers[Kind]> {
  const id = ++last;
  return new Promise((resolve, reject) => {
    const settle = (answer: Answer): void =>
      "error" in answer ? reject(new Error(answer.error)) : resolve(answer.answer);
    waiting.set(id, { settle });
    worker.postMessage({ id, kind, ...question });
  });
}
