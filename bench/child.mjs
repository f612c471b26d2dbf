// An engine in a process of its own: the parent's half and the child's half of the same messages.
import { fork } from 'node:child_process';

/** In the child: `open(options)` gives { generate(prompt, tokens), loadMs }. */
export function serveEngine(open) {
  let engine;
  process.on('message', async ({ id, options, prompt, tokens }) => {
    try {
      if (options) {
        engine = await open(options);
        process.send({ id, value: { loadMs: engine.loadMs } });
      } else {
        process.send({ id, value: await engine.generate(prompt, tokens) });
      }
    } catch (error) {
      process.send({ id, error: String(error?.stack ?? error) });
    }
  });
}

/** In the parent: starts the script and opens the engine. */
export async function startChild(script, options, { execPath } = {}) {
  const child = fork(script, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execPath });
  const waiting = new Map();
  let next = 0;
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(`${script}: ${error}`));
    else resolve(value);
  });
  child.on('exit', (status) => {
    for (const { reject } of waiting.values()) reject(new Error(`${script} ended with ${status}`));
  });
  const ask = (message) => new Promise((resolve, reject) => {
    waiting.set(next, { resolve, reject });
    child.send({ id: next++, ...message });
  });
  const { loadMs } = await ask({ options });
  return { loadMs, generate: (prompt, tokens) => ask({ prompt, tokens }), close: () => child.kill() };
}
