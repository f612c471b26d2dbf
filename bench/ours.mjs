// realizar in Node, in a process of its own; see child.mjs for the messages.
import { load } from '../dist/index-node.js';
import { serveEngine } from './child.mjs';

serveEngine(async ({ path, threads, contextSize, backend, variant, kv }) => {
  const started = performance.now();
  const model = await load(path, { threads, contextSize, backend, variant, kv });
  const loadMs = performance.now() - started;
  const generate = async (prompt, tokens) => {
    const { timings } = await model.generate(prompt, { maxTokens: tokens, temperature: 0, ignoreEnd: true });
    return { prefill: timings.prefillTokensPerSecond, decode: timings.decodeTokensPerSecond, promptTokens: timings.promptTokens };
  };
  return { generate, loadMs };
});
