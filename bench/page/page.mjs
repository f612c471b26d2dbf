// The engines that run in a page: window.open(engine, options) gives one that window.measure() asks.
const engines = {
  async realizar({ url, threads, variant, contextSize, kv }) {
    const { load } = await import('/dist/index-browser.js');
    let lastByte = 0;
    const onProgress = ({ loaded, total }) => {
      if (loaded === total) lastByte = performance.now();
    };
    const model = await load(url, { threads, variant, contextSize, kv, onProgress });
    afterLastByteMs = performance.now() - lastByte;
    return async (prompt, tokens) => {
      const { timings } = await model.generate(prompt, { maxTokens: tokens, temperature: 0, ignoreEnd: true });
      return { prefill: timings.prefillTokensPerSecond, decode: timings.decodeTokensPerSecond, promptTokens: timings.promptTokens };
    };
  },

  async wllama({ url, threads, contextSize }) {
    const { Wllama } = await import('/peers/node_modules/@wllama/wllama/esm/index.js');
    const wllama = new Wllama({ default: '/peers/node_modules/@wllama/wllama/esm/wasm/wllama.wasm' }, { suppressNativeLog: true });
    const blob = await (await fetch(url)).blob();
    await wllama.loadModel([blob], { n_threads: threads, n_ctx: contextSize, n_gpu_layers: 0, n_batch: 512 });
    return async (prompt, tokens) => {
      const { timings } = await wllama.createCompletion({
        prompt, max_tokens: tokens, temperature: 0, cache_prompt: false, ignore_eos: true,
      });
      return { prefill: timings.prompt_per_second, decode: timings.predicted_per_second, promptTokens: timings.prompt_n };
    };
  },

  async llamaWasm({ url, threads, contextSize }) {
    if (threads !== 1) throw new Error('llama.cpp is built as wasm for one thread');
    const { default: start } = await import('/llama-wasm/llama-wasm.mjs');
    const llama = await start();
    const file = new Uint8Array(await (await fetch(url)).arrayBuffer());
    llama.FS.createDataFile('/', 'model.gguf', file, true, false, true); // the last: without a copy
    llama.openModel('/model.gguf', contextSize);
    llama.FS.unlink('/model.gguf');
    return llama.generate;
  },
};

let generate, afterLastByteMs;

window.openEngine = async (engine, options) => {
  generate = await engines[engine](options);
  return afterLastByteMs;
};
window.generate = (prompt, tokens) => generate(prompt, tokens);
window.ready = true;
