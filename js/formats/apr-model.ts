/** A language model in an .apr file of version 2 (or APR1) in GGUF's terms. */
import { RealizarError } from '../errors.js';
import type { AprContainer } from './apr.js';
import { isObject } from './bytes.js';
import type { GgufPlan, PlannedTensor } from './gguf-stream.js';
import { arrayEntry, entry, type MetaEntry, metaType, type TensorInfo } from './header.js';
import { describeHf, type HfClass, type HfModel, hfClass, numberAt, sizeKeys } from './hf-config.js';
import { neighbours, planHf } from './hf-names.js';
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

/** How rows of q and k stand: rope_type 2 pairs halves; Hugging Face's names do unless told otherwise. */
function rotation(m: Record<string, unknown>, { arch, rotates }: HfClass, hfNames: boolean): HfClass['rotates'] {
  const rope = numberAt(m, 'rope_type') ?? (hfNames || !rotates ? 2 : 0);
  if (rope === 0 && !rotates) throw new RealizarError('UNSUPPORTED', `.apr: rope_type 0 of architecture '${arch}' is not supported`);
  return rope === 2 ? rotates : undefined;
}

/** The model that metadata of .apr files describe. What they leave out is what all models have, no default of a class. */
function describeApr(m: Record<string, unknown>, tensors: TensorInfo[], hfNames: boolean): HfModel {
  const width = (numberAt(m, ...sizeKeys.embd) ?? 0) / (numberAt(m, ...sizeKeys.heads) ?? 1);
  const head = numberAt(m, ...sizeKeys.headDim) ?? width;
  const tied = !tensors.some((t) => /^(output|lm_head)\.weight$/.test(t.name));
  const type = m.architecture ?? m.model_type;
  const model = describeHf({ head_dim: head, query_pre_attn_scalar: head, sliding_window: null, tie_word_embeddings: tied, ...m }, type);
  return { ...model, class: { ...model.class, rotates: rotation(m, hfClass(type), hfNames) } };
}

/** A tensor that has GGUF's name. */
function planTensor(t: TensorInfo, model?: HfModel): PlannedTensor {
  const [, slot] = /\.attn_(q|k)\.(weight|bias)$/.exec(t.name) ?? [];
  const { heads, kvHeads } = model?.sizes ?? { heads: 1, kvHeads: 1 };
  const moves = slot && model?.class.rotates === 'neighbours';
  return {
    name: t.name, dims: t.dims, sources: [t],
    type: t.dims.length === 1 || /norm\.weight$/.test(t.name) ? 'F32' : ggufType(t),
    order: moves ? neighbours(t.dims.at(-1)!, slot === 'q' ? heads : kvHeads) : undefined,
  };
}

/** Tensors are read in the file's order, each once. */
function checkOrder(tensors: PlannedTensor[]): PlannedTensor[] {
  const other = tensors.find((t) => t.sources.length > 1 || t.scales);
  if (!other) return tensors;
  throw new RealizarError('UNSUPPORTED', `.apr: tensor '${other.sources[0]!.name}' holds one of several experts, which is not supported there`);
}

/** The plan of a GGUF file with the same model. */
export function planAprModel(container: AprContainer): GgufPlan {
  const { metadata: m, tensors } = container;
  const kept = keptEntries(m.gguf);
  const hfNames = tensors.some((t) => /(^|\.)layers\.\d+\.self_attn/.test(t.name));
  const model = kept.length ? undefined : describeApr(m, tensors, hfNames);
  const metadata = new Map([...(model?.metadata ?? kept), ...tokenizerEntries(m), ...kept]);
  const planned = model && hfNames ? checkOrder(planHf(tensors, model, ggufType)) : [...(model?.tensors ?? []), ...tensors.map((t) => planTensor(t, model))];
  return { metadata, tensors: planned, notes: model?.notes };
}
