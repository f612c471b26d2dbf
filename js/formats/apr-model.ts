/** A language model in an .apr file of version 2 (or APR1) in GGUF's terms. */
import { RealizarError } from '../errors.js';
import type { AprContainer } from './apr.js';
import { isObject } from './bytes.js';
import type { GgufPlan, PlannedTensor } from './gguf-stream.js';
import { arrayEntry, entry, type MetaEntry, metaType, type TensorInfo } from './header.js';
import { describeHf, ggufName, headsToPermute, type HfArchitecture, hfArchitecture, numberAt, ropeTensors } from './hf-names.js';
import { typeOfName } from './weight-types.js';

/** Whether the tensors are those of a language model, by their names. */
export function isLanguageModel(tensors: TensorInfo[]): boolean {
  return tensors.some((t) => /^token_embd\.|(^|\.)embed_tokens\.|^(model\.)?layers\.\d+\.|^blk\.\d+\./.test(t.name));
}

/** A type that GGUF files have. .apr's own 4- and 8-bit types become floats. */
function ggufType(t: TensorInfo): string {
  if (t.type === 'AprQ4' || t.type === 'AprQ8') return 'F32';
  if (typeOfName(t.type)) return t.type;
  throw new RealizarError('UNSUPPORTED', `.apr: tensor '${t.name}' has weight type ${t.type}, which is not supported`);
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((v) => typeof v === 'string') ? value : undefined;
}

function numbers(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((v) => typeof v === 'number') ? value : undefined;
}

/** Kinds of tokens as far as their texts and ids tell. */
function tokenTypes(tokens: string[], special: (number | undefined)[]): number[] {
  return tokens.map((t, id) => (/^<0x[0-9A-F]{2}>$/.test(t) ? 6 : t === '<unk>' ? 2 : special.includes(id) || /^<\|.*\|>$/.test(t) ? 3 : 1));
}

function tokenizerEntries(m: Record<string, unknown>): [string, MetaEntry][] {
  const tokens = texts(m['tokenizer.vocabulary']);
  if (!tokens) return [];
  const merges = texts(m['tokenizer.merges']);
  const scores = numbers(m['tokenizer.scores']);
  const bos = numberAt(m, 'tokenizer.bos_token_id');
  const eos = numberAt(m, 'tokenizer.eos_token_id');
  const types = numbers(m['tokenizer.token_types']) ?? tokenTypes(tokens, [bos, eos]);
  const list: [string, MetaEntry][] = [
    ['tokenizer.ggml.model', entry('string', merges ? 'gpt2' : 'llama')],
    ['tokenizer.ggml.tokens', arrayEntry('string', tokens)],
    ['tokenizer.ggml.token_type', arrayEntry('i32', types)],
  ];
  if (merges) list.push(['tokenizer.ggml.merges', arrayEntry('string', merges)]);
  if (merges) list.push(['tokenizer.ggml.pre', entry('string', String(m['tokenizer.pre'] ?? 'gpt-2'))]);
  if (!merges) list.push(['tokenizer.ggml.scores', arrayEntry('f32', scores ?? tokens.map((_, i) => -i))]);
  if (bos !== undefined) list.push(['tokenizer.ggml.bos_token_id', entry('u32', bos)]);
  if (eos !== undefined) list.push(['tokenizer.ggml.eos_token_id', entry('u32', eos)]);
  if (typeof m.chat_template === 'string') list.push(['tokenizer.chat_template', entry('string', m.chat_template)]);
  return list;
}

/** Entries that our own writer keeps as they were in a GGUF file: {key: [type, value, elementType?]}. */
function keptEntries(kept: unknown): [string, MetaEntry][] {
  if (!isObject(kept)) return [];
  return Object.entries(kept).map(([key, one]) => {
    if (!Array.isArray(one) || !Object.values(metaType).includes(one[0])) throw new RealizarError('FORMAT', `.apr: the metadata entry 'gguf.${key}' is not usable`);
    const [type, value, elementType] = one as [number, MetaEntry['value'], number?];
    if (type === metaType.array && !Array.isArray(value)) throw new RealizarError('FORMAT', `.apr: the metadata entry 'gguf.${key}' is no list`);
    return [key, { type, value, elementType }];
  });
}

/** Whether rows of q and k must change places: rope_type 2 pairs halves; Hugging Face's names do unless told otherwise. */
function mustPermute(m: Record<string, unknown>, arch: HfArchitecture, hfNames: boolean): boolean {
  const rope = numberAt(m, 'rope_type') ?? (hfNames ? 2 : arch.pairs ? 0 : 2);
  if (rope === 0 && !arch.pairs) throw new RealizarError('UNSUPPORTED', `.apr: rope_type 0 of architecture '${arch.name}' is not supported`);
  return rope === 2 && arch.pairs;
}

function planTensor(t: TensorInfo, name: string, arch: HfArchitecture | undefined, m: Record<string, unknown>, permute: boolean): PlannedTensor {
  const heads = numberAt(m, 'num_heads', 'num_attention_heads', 'n_heads', 'n_head') ?? 1;
  const kvHeads = numberAt(m, 'num_kv_heads', 'num_key_value_heads', 'n_kv_heads') ?? heads;
  const isNorm = /norm\.weight$/.test(name);
  return {
    name, source: t,
    type: t.dims.length === 1 || isNorm ? 'F32' : ggufType(t),
    permuteHeads: arch && permute ? headsToPermute(name, arch, heads, kvHeads) : 0,
    add: arch?.normPlusOne && isNorm && name !== t.name ? 1 : 0,
  };
}

/** The plan of a GGUF file with the same model. */
export function planAprModel(container: AprContainer): GgufPlan {
  const m = container.metadata;
  const kept = keptEntries(m.gguf);
  const hfNames = container.tensors.some((t) => /(^|\.)layers\.\d+\.self_attn/.test(t.name));
  const arch = kept.length ? undefined : hfArchitecture(m.architecture ?? m.model_type);
  const metadata = new Map([...(arch ? describeHf(arch, m) : kept), ...tokenizerEntries(m), ...kept]);
  const permute = arch ? mustPermute(m, arch, hfNames) : false;
  const tensors = arch ? ropeTensors(m) : [];
  for (const t of container.tensors) {
    const name = hfNames && arch ? ggufName(t.name, arch) : t.name;
    if (name === undefined) throw new RealizarError('SHAPE', `.apr: tensor '${t.name}' does not belong to this architecture`);
    if (name !== null) tensors.push(planTensor(t, name, arch, m, permute));
  }
  return { metadata, tensors };
}
