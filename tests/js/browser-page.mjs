// Runs inside the page: what the browser tests do with the package there. browser*.test.mjs import
// nothing from here, they name it in page.evaluate.
import { load } from '/dist/index-browser.js';
import { useModel } from './use-model.mjs';

export { load };

/** What became of a promise, as data that can leave the page. */
export async function outcome(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message };
  }
}

export const withModel = (source, options, use) => useModel(load(source, options), use);

/** A stream of bytes in chunks; `breakAt`: fail with a sentence there instead of going on. */
export function streamOf(bytes, step, breakAt = Infinity) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= breakAt) throw new Error('the cable was cut');
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, Math.min(at + step, breakAt)));
      at += step;
    },
  });
}

export async function fetchBytes(url) {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

/** Every kind of source, by name, for one model. */
export async function sourcesOf(url) {
  const bytes = await fetchBytes(url);
  const padded = new Uint8Array(bytes.length + 100);
  padded.set(bytes, 50);
  const half = bytes.length >> 1;
  return {
    'URL string': url,
    URL: new URL(url, location.href),
    Request: new Request(url),
    Response: await fetch(url),
    'Response without a size': new Response((await fetch(url)).body),
    ReadableStream: streamOf(bytes, 65536),
    'ReadableStream in odd chunks': streamOf(bytes, 4999),
    Blob: new Blob([bytes]),
    File: new File([bytes], 'model.gguf'),
    'blob URL': URL.createObjectURL(new Blob([bytes])),
    ArrayBuffer: bytes.slice().buffer,
    Uint8Array: bytes,
    'Uint8Array inside a buffer': padded.subarray(50, 50 + bytes.length),
    'two parts': [new Blob([bytes.subarray(0, half)]), new Blob([bytes.subarray(half)])],
    'three parts of different kinds': [streamOf(bytes.slice(0, 77), 10), bytes.slice(77, half), new Blob([bytes.subarray(half)])],
  };
}

/** Loads each source and continues a prompt greedily: the ids, and the progress of the load. */
export async function continueFromEverySource(url, worker, prompt, maxTokens) {
  const results = {};
  for (const [name, source] of Object.entries(await sourcesOf(url))) {
    const progress = [];
    results[name] = await outcome(withModel(source, { worker, onProgress: (p) => progress.push(p) }, async (model) => {
      const { tokens, text } = await model.generate(prompt, { temperature: 0, maxTokens });
      return { tokens, text, progress };
    }));
  }
  return results;
}

/** SHA-256 of a float array's bits. */
export async function digest(floats) {
  const hash = await crypto.subtle.digest('SHA-256', floats.buffer.slice(floats.byteOffset, floats.byteOffset + floats.byteLength));
  return [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** Ticks by timer and by frame until `stop`; the longest time between two ticks, in milliseconds. */
export function watchTicks() {
  let longest = 0;
  let ticks = 0;
  let last = performance.now();
  let running = true;
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    ticks++;
  };
  const timer = () => { tick(); if (running) setTimeout(timer, 5); };
  const frame = () => { tick(); if (running) requestAnimationFrame(frame); };
  timer();
  frame();
  return () => {
    running = false;
    tick();
    return { longest, ticks };
  };
}
