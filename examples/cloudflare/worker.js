// The HTTP API of the shipped model: GET /health, POST /tokenize, POST /generate, POST /stream/generate.
import { createWorker } from 'realizar/cloudflare';
import model from 'realizar/models/stories-q4_0.gguf';
import relaxed from 'realizar/wasm/realizar-relaxed.wasm';
import simd from 'realizar/wasm/realizar-simd.wasm';

export default createWorker({ modules: { relaxed, simd }, model });
