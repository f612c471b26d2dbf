// llama.cpp through node-llama-cpp, in a process of its own; see child.mjs for the messages.
import { getLlama } from 'node-llama-cpp';
import { serveEngine } from '../child.mjs';

serveEngine(async ({ path, threads, contextSize }) => {
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'disabled', maxThreads: threads });
  const started = performance.now();
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
  const context = await model.createContext({ contextSize, batchSize: 512, threads, sequences: 1 });
  const sequence = context.getSequence();
  const loadMs = performance.now() - started;
  const generate = async (prompt, tokens) => {
    await sequence.clearHistory();
    const ids = [model.tokens.bos, ...model.tokenize(prompt, false)];
    const start = performance.now();
    let first = 0, last = 0, n = 0;
    for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
      last = performance.now();
      if (n++ === 0) first = last;
      if (n === tokens) break;
    }
    return { prefill: (ids.length / (first - start)) * 1000, decode: n > 1 ? ((n - 1) / (last - first)) * 1000 : 0, promptTokens: ids.length };
  };
  return { generate, loadMs };
});
