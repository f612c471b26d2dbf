/**
 * Tensors of Hugging Face's models under GGUF's names, in GGUF's order of rows; the names are those of src/hf_names.c.
 * The engine rotates the halves of a head's rows; Llama's GGUF files pair neighbours, so rows of query and key matrices
 * change places. Fused matrices stand as queries, keys, values; matrices of experts one behind the other.
 */
import { RealizarError } from '../errors.js';
import type { PlannedTensor } from './gguf-stream.js';
import type { TensorInfo } from './header.js';
import type { HfModel } from './hf-config.js';

/**
 * plusOne: norms are stored as w - 1; transposed: [in][out]; groups: the queries of a key head, its key, its value;
 * alternate: rows belong to the first and the second name in turn; codes, scales: MXFP4 in two tensors; vector: a matrix
 * of one row.
 */
type Flag = 'plusOne' | 'transposed' | 'groups' | 'alternate' | 'codes' | 'scales' | 'vector';

/** Architectures ('': all), Hugging Face's name without prefix and ".weight" ('*' is a number), GGUF's. */
type Row = [archs: string, name: string, slots: string, ...flags: Flag[]];

const modelNames: Row[] = [
  ['', 'embed_tokens', 'token_embd'],
  ['gpt2 mpt', 'wte', 'token_embd'],
  ['', 'word_embeddings', 'token_embd'],
  ['gptneox', 'embed_in', 'token_embd'],
  ['', 'embeddings.word_embeddings', 'token_embd'],
  ['gpt2', 'wpe', 'position_embd'],
  ['', 'embeddings.position_embeddings', 'position_embd'],
  ['', 'embeddings.token_type_embeddings', 'token_types'],
  ['bloom', 'word_embeddings_layernorm', 'token_embd_norm'],
  ['', 'embeddings.LayerNorm', 'token_embd_norm'],
  ['nomic-bert', 'emb_ln', 'token_embd_norm'],
  ['gemma gemma2 gemma3', 'norm', 'output_norm', 'plusOne'],
  ['', 'norm', 'output_norm'],
  ['', 'ln_f', 'output_norm'],
  ['mpt', 'norm_f', 'output_norm'],
  ['phi2', 'final_layernorm', 'output_norm'],
  ['gptneox', 'final_layer_norm', 'output_norm'],
  ['', 'lm_head', 'output'],
  ['gptneox', 'embed_out', 'output'],
];

const layerNames: Row[] = [
  /* norms */
  ['gemma gemma2 gemma3', 'input_layernorm', 'attn_norm', 'plusOne'],
  ['gemma', 'post_attention_layernorm', 'ffn_norm', 'plusOne'],
  ['gemma2 gemma3', 'post_attention_layernorm', 'post_attention_norm', 'plusOne'],
  ['gemma2 gemma3', 'pre_feedforward_layernorm', 'ffn_norm', 'plusOne'],
  ['gemma2 gemma3', 'post_feedforward_layernorm', 'post_ffw_norm', 'plusOne'],
  ['gemma3', 'self_attn.q_norm', 'attn_q_norm', 'plusOne'],
  ['gemma3', 'self_attn.k_norm', 'attn_k_norm', 'plusOne'],
  ['olmo2 gpt-oss', 'post_attention_layernorm', 'post_attention_norm'],
  ['olmo2', 'post_feedforward_layernorm', 'post_ffw_norm'],
  ['', 'input_layernorm', 'attn_norm'],
  ['', 'post_attention_layernorm', 'ffn_norm'],
  ['', 'self_attn.q_norm', 'attn_q_norm'],
  ['', 'self_attn.k_norm', 'attn_k_norm'],
  ['phi2', 'self_attn.q_layernorm', 'attn_q_norm'],
  ['phi2', 'self_attn.k_layernorm', 'attn_k_norm'],
  ['gpt2', 'ln_1', 'attn_norm'],
  ['gpt2', 'ln_2', 'ffn_norm'],
  ['falcon', 'ln_attn', 'attn_norm_2'],
  ['falcon', 'ln_mlp', 'attn_norm'],
  ['mpt', 'norm_1', 'attn_norm'],
  ['mpt', 'norm_2', 'ffn_norm'],
  ['bert', 'attention.output.LayerNorm', 'attn_output_norm'],
  ['bert', 'output.LayerNorm', 'layer_output_norm'],
  ['nomic-bert', 'norm1', 'attn_output_norm'],
  ['nomic-bert', 'norm2', 'layer_output_norm'],

  /* attention */
  ['', 'self_attn.q_proj', 'attn_q'],
  ['', 'self_attn.k_proj', 'attn_k'],
  ['', 'self_attn.v_proj', 'attn_v'],
  ['phi2', 'self_attn.dense', 'attn_output'],
  ['', 'self_attn.o_proj', 'attn_output'],
  ['phi3', 'self_attn.qkv_proj', 'attn_qkv'],
  ['gpt-oss', 'self_attn.sinks', 'attn_sinks'],
  ['gpt2', 'attn.c_attn', 'attn_qkv', 'transposed'],
  ['gpt2', 'attn.c_proj', 'attn_output', 'transposed'],
  ['gptneox', 'attention.query_key_value', 'attn_qkv', 'groups'],
  ['gptneox', 'attention.dense', 'attn_output'],
  ['bloom falcon', 'self_attention.query_key_value', 'attn_qkv', 'groups'],
  ['bloom falcon', 'self_attention.dense', 'attn_output'],
  ['mpt nomic-bert', 'attn.Wqkv', 'attn_qkv'],
  ['mpt nomic-bert', 'attn.out_proj', 'attn_output'],
  ['bert', 'attention.self.query', 'attn_q'],
  ['bert', 'attention.self.key', 'attn_k'],
  ['bert', 'attention.self.value', 'attn_v'],
  ['bert', 'attention.output.dense', 'attn_output'],

  /* feed-forward */
  ['', 'mlp.gate_proj', 'ffn_gate'],
  ['', 'mlp.up_proj', 'ffn_up'],
  ['', 'mlp.down_proj', 'ffn_down'],
  ['phi3', 'mlp.gate_up_proj', 'ffn_up'],
  ['phi2', 'mlp.fc1', 'ffn_up'],
  ['phi2', 'mlp.fc2', 'ffn_down'],
  ['gpt2', 'mlp.c_fc', 'ffn_up', 'transposed'],
  ['gpt2', 'mlp.c_proj', 'ffn_down', 'transposed'],
  ['starcoder2', 'mlp.c_fc', 'ffn_up'],
  ['starcoder2', 'mlp.c_proj', 'ffn_down'],
  ['', 'mlp.dense_h_to_4h', 'ffn_up'],
  ['', 'mlp.dense_4h_to_h', 'ffn_down'],
  ['mpt', 'ffn.up_proj', 'ffn_up'],
  ['mpt', 'ffn.down_proj', 'ffn_down'],
  ['bert', 'intermediate.dense', 'ffn_up'],
  ['bert', 'output.dense', 'ffn_down'],
  ['nomic-bert', 'mlp.fc11', 'ffn_up'],
  ['nomic-bert', 'mlp.fc12', 'ffn_gate'],
  ['nomic-bert', 'mlp.fc2', 'ffn_down'],

  /* experts */
  ['llama', 'block_sparse_moe.gate', 'ffn_gate_inp'],
  ['llama', 'block_sparse_moe.experts.*.w1', 'ffn_gate_exps'],
  ['llama', 'block_sparse_moe.experts.*.w2', 'ffn_down_exps'],
  ['llama', 'block_sparse_moe.experts.*.w3', 'ffn_up_exps'],
  ['gpt-oss', 'mlp.router', 'ffn_gate_inp'],
  ['gpt-oss', 'mlp.experts.gate_up_proj_blocks', 'ffn_gate_exps ffn_up_exps', 'alternate', 'codes'],
  ['gpt-oss', 'mlp.experts.gate_up_proj_scales', 'ffn_gate_exps ffn_up_exps', 'alternate', 'scales'],
  ['gpt-oss', 'mlp.experts.gate_up_proj', 'ffn_gate_exps ffn_up_exps', 'alternate', 'transposed'],
  ['gpt-oss', 'mlp.experts.down_proj_blocks', 'ffn_down_exps', 'codes'],
  ['gpt-oss', 'mlp.experts.down_proj_scales', 'ffn_down_exps', 'scales'],
  ['gpt-oss', 'mlp.experts.down_proj', 'ffn_down_exps', 'transposed'],
  ['', 'mlp.gate', 'ffn_gate_inp'],
  ['', 'mlp.experts.*.gate_proj', 'ffn_gate_exps'],
  ['', 'mlp.experts.*.up_proj', 'ffn_up_exps'],
  ['', 'mlp.experts.*.down_proj', 'ffn_down_exps'],
  ['', 'mlp.shared_expert.gate_proj', 'ffn_gate_shexp'],
  ['', 'mlp.shared_expert.up_proj', 'ffn_up_shexp'],
  ['', 'mlp.shared_expert.down_proj', 'ffn_down_shexp'],
  ['', 'mlp.shared_expert_gate', 'ffn_gate_inp_shexp', 'vector'],
];

/* ---- names ------------------------------------------------------------------------------------ */

const unused = /^(pooler|cls|(model\.)?(vision_tower|vision_model|multi_modal_projector))\.|(^|\.)(rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias|attention\.bias|attention\.masked_bias|position_ids)$/;

/** A tensor's place in the new file. */
interface Place {
  /** "blk.3." or "". */
  prefix: string;
  slots: string[];
  bias: boolean;
  flags: Flag[];
  /** Which of the experts that come one by one. */
  expert?: number;
}

/** Where a tensor belongs; null: it is not used, undefined: its name is not known. */
function placeOf(name: string, { class: { arch }, tied }: HfModel): Place | null | undefined {
  const short = name.replace(/^((model|language_model|transformer|gpt_neox|bert)\.)+/, '');
  if (unused.test(name) || short.startsWith('pooler.') || (tied && /^(lm_head|embed_out)\.weight$/.test(short))) return null;
  const [, layer, rest] = /^(?:(?:encoder\.layers|encoder\.layer|layers|h|blocks)\.(\d+)\.)?(.+)$/.exec(short)!;
  const bias = /\.(bias|beta)$|_proj_bias$/.test(rest!);
  const part = rest!.replace(/\.(weight|gamma|bias|beta)$|_bias$/, '');
  const expert = /\.experts\.(\d+)\./.exec(part)?.[1];
  const general = part.replace(/\.experts\.\d+\./, '.experts.*.');
  const row = (layer === undefined ? modelNames : layerNames).find(([archs, own]) => own === general && (!archs || archs.split(' ').includes(arch)));
  if (!row) return undefined;
  const [, , slots, ...flags] = row;
  return { prefix: layer === undefined ? '' : `blk.${layer}.`, slots: slots.split(' '), bias, flags, expert: expert === undefined ? undefined : Number(expert) };
}

/* ---- orders of rows --------------------------------------------------------------------------- */

/** Rows r and r + half of every head become neighbours. */
export function neighbours(rows: number, heads: number): (row: number) => number {
  const half = rows / heads / 2;
  if (!Number.isInteger(half)) throw new RealizarError('SHAPE', `${rows} rows cannot be split into ${heads} heads`);
  return (row) => {
    const inHead = row % (2 * half);
    return row - inHead + (inHead % 2) * half + (inHead >> 1);
  };
}

/** Queries, keys, values of groups: each a key head, the queries before it that share it, its value behind it. */
function groups(rows: number, heads: number, kvHeads: number): (row: number) => number {
  const width = rows / (heads + 2 * kvHeads);
  const queries = heads / kvHeads;
  if (!Number.isInteger(width) || !Number.isInteger(queries)) throw new RealizarError('SHAPE', `${rows} rows cannot be split into ${heads} queries and ${kvHeads} keys`);
  return (row) => {
    const head = Math.floor(row / width);
    const [group, place] = head < heads ? [Math.floor(head / queries), head % queries] : [(head - heads) % kvHeads, queries + Math.floor((head - heads) / kvHeads)];
    return (group * (queries + 2) + place) * width + (row % width);
  };
}

/** The order of `rows` rows in slot number `index` of a place; undefined: the source's. */
function orderOf({ slots, flags }: Place, index: number, rows: number, { class: { rotates }, sizes: { heads, kvHeads } }: HfModel): PlannedTensor['order'] {
  if (flags.includes('alternate')) return (row) => 2 * row + index;
  if (flags.includes('groups')) return groups(rows, heads, kvHeads);
  if (rotates !== 'neighbours') return undefined;
  return slots[0] === 'attn_q' ? neighbours(rows, heads) : slots[0] === 'attn_k' ? neighbours(rows, kvHeads) : undefined;
}

/* ---- plans ------------------------------------------------------------------------------------ */

/** Vectors, and what decides or is added to embeddings, are floats in llama.cpp's files. */
const alwaysFloats = /^(position_embd|token_types)|\.ffn_gate_inp\.|norm\.weight$|\.bias$/;

const isThereTwice = (name: string) => new RealizarError('FORMAT', `tensor '${name}' is there twice`);

/** A matrix per expert of a tensor that holds them all. */
function slices(t: TensorInfo, count: number): TensorInfo[] {
  if (t.dims.at(-1) !== count) throw new RealizarError('SHAPE', `tensor '${t.name}' holds ${t.dims.at(-1)} experts, the model has ${count}`);
  const bytes = t.bytes / count;
  return Array.from({ length: count }, (_, i) => ({ ...t, dims: t.dims.slice(0, -1), offset: t.offset + i * bytes, bytes }));
}

function checkMxfp4(codes: TensorInfo, scales: TensorInfo): void {
  const [bytes, ...shape] = codes.dims;
  if (codes.type === 'U8' && scales.type === 'U8' && bytes === 16 && shape.length === 3 && shape.join() === scales.dims.join()) return;
  throw new RealizarError('SHAPE', `tensor '${codes.name}' holds no blocks of 16 bytes with a scale each in '${scales.name}'`);
}

type Parts = Pick<PlannedTensor, 'dims' | 'sources' | 'scales'>;

/** What becomes of a tensor in one of its slots: the new shape, the sources one behind the other. */
function partsOf(t: TensorInfo, { slots, bias, flags, expert }: Place, experts: number, scales?: TensorInfo): Parts {
  const joined = slots[0]!.endsWith('_exps') && expert === undefined;
  const stack = joined ? [experts] : [];
  const share = slots.length;
  if (bias || t.dims.length === 1 || flags.includes('vector')) {
    const length = t.dims.reduce((a, b) => a * b, 1);
    return { dims: [length / share / (joined ? experts : 1), ...stack], sources: [{ ...t, dims: [length] }] };
  }
  if (scales) checkMxfp4(t, scales);
  const sources = joined ? slices(t, experts) : [t];
  const [cols, rows, more] = sources[0]!.dims as [number, number, number?];
  if (scales) return { dims: [32 * rows, more! / share, ...stack], sources, scales: slices(scales, experts) };
  return { dims: flags.includes('transposed') ? [rows, cols / share, ...stack] : [cols, rows / share, ...stack], sources };
}

/** The tensors of the file that one of the model becomes. `scales`: those that belong to MXFP4 codes. */
function plan(t: TensorInfo, place: Place, model: HfModel, type: string, scales?: TensorInfo): PlannedTensor[] {
  return place.slots.map((slot, index) => {
    const name = `${place.prefix}${slot}.${place.bias ? 'bias' : 'weight'}`;
    const parts = partsOf(t, place, model.sizes.experts, scales);
    const factor = slot === model.class.queryScale && model.queryScale !== 1 ? model.queryScale : undefined;
    const isVector = parts.sources[0]!.dims.length === 1;
    if (!parts.dims.every(Number.isInteger)) throw new RealizarError('SHAPE', `tensor '${t.name}' of ${t.dims.join(' x ')} weights cannot be split into '${place.slots.join("' and '")}'`);
    return {
      name, ...parts, factor,
      type: isVector || factor || alwaysFloats.test(name) ? 'F32' : type,
      transposed: place.flags.includes('transposed') && !isVector,
      order: orderOf(place, index, isVector ? parts.sources[0]!.dims[0]! : parts.dims[1]!, model),
      add: place.flags.includes('plusOne') ? 1 : undefined,
    };
  });
}

/** One of the experts that come one by one: becomes a part of the tensor that is planned for them. */
function stack(one: PlannedTensor, expert: number, all: PlannedTensor | undefined, experts: number): PlannedTensor {
  const sources = all?.sources ?? [];
  const [t] = one.sources as [TensorInfo];
  if (expert >= experts) throw new RealizarError('SHAPE', `tensor '${t.name}' does not belong to a model of ${experts} experts`);
  if (sources[expert]) throw isThereTwice(t.name);
  const like = Object.values(sources)[0];
  if (like && (like.type !== t.type || like.dims.join() !== t.dims.join())) throw new RealizarError('SHAPE', `tensor '${t.name}' has another shape or type than the experts before it`);
  sources[expert] = t;
  return { ...one, dims: [...one.dims, experts], sources };
}

function checkComplete(planned: Map<string, PlannedTensor>, { class: { encoder }, tied, sizes: { experts } }: HfModel): void {
  for (const { name, sources } of planned.values()) {
    const have = Object.keys(sources).length;
    if (/_exps\.weight$/.test(name) && have !== experts) throw new RealizarError('SHAPE', `'${name}' has ${have} of ${experts} experts`);
  }
  if (tied || encoder || planned.has('output.weight')) return;
  throw new RealizarError('SHAPE', 'the matrix of the output is missing, which tie_word_embeddings says is not that of the tokens');
}

/**
 * The plan of a model's tensors. `typeOf` says which type a matrix gets, and refuses.
 * @throws SHAPE: a name that is not known, experts or an output that are missing; FORMAT: a tensor that is there twice.
 */
export function planHf(tensors: TensorInfo[], model: HfModel, typeOf: (t: TensorInfo) => string): PlannedTensor[] {
  const planned = new Map(model.tensors.map((t) => [t.name, t]));
  for (const t of tensors) {
    const place = placeOf(t.name, model);
    if (place === undefined) throw new RealizarError('SHAPE', `tensor '${t.name}' does not belong to a model of type '${model.type}'`);
    if (place === null || place.flags.includes('scales')) continue;
    const codes = place.flags.includes('codes');
    const scales = codes ? tensors.find((s) => s.name === t.name.replace(/_blocks$/, '_scales')) : undefined;
    if (codes && !scales) throw new RealizarError('SHAPE', `tensor '${t.name.replace(/_blocks$/, '_scales')}' is missing`);
    for (const one of plan(t, place, model, codes ? 'MXFP4' : typeOf(t), scales)) {
      const before = planned.get(one.name);
      if (before && place.expert === undefined) throw isThereTwice(t.name);
      planned.set(one.name, place.expert === undefined ? one : stack(one, place.expert, before, model.sizes.experts));
    }
  }
  const embeddings = planned.get('token_embd.weight');
  if (model.tied && model.class.ownOutput && embeddings) planned.set('output.weight', { ...embeddings, name: 'output.weight' });
  checkComplete(planned, model);
  return [...planned.values()];
}
