// The shapes of published models; weights are made up (make-model.mjs), so only sizes matter.

export const shapes = {
  'smollm2-135m': {
    layers: 30, dim: 576, heads: 9, kvHeads: 3, ffn: 1536, vocabulary: 49152, context: 8192, ropeBase: 100000, tied: true,
  },
  'tinyllama-1.1b': {
    layers: 22, dim: 2048, heads: 32, kvHeads: 4, ffn: 5632, vocabulary: 32000, context: 2048, ropeBase: 10000, tied: false,
  },
};

/** Layers whose attn_v and ffn_down get more bits in the mix Q4_K_M. */
function moreBits(layer, layers) {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** Weight type of a tensor in a file of type `mix`, as llama.cpp's quantize chooses it. */
export function weightType(mix, name, layer, shape) {
  const wide = shape.dim % 256 === 0;
  const isHead = name === 'output.weight' || (shape.tied && name === 'token_embd.weight');
  if (mix === 'Q8_0') return 'Q8_0';
  if (isHead) return wide ? 'Q6_K' : 'Q8_0';
  if (mix === 'Q4_0') return 'Q4_0';
  if (mix !== 'Q4_K_M') throw new Error(`unknown mix ${mix}`);
  if (!wide) throw new Error('Q4_K_M needs rows of 256 weights');
  return /attn_v|ffn_down/.test(name) && moreBits(layer, shape.layers) ? 'Q6_K' : 'Q4_K';
}
