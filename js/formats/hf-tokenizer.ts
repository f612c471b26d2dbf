/** tokenizer.json of Hugging Face as GGUF metadata: byte-level BPE, and SentencePiece BPE with bytes. */
import { RealizarError } from '../errors.js';
import { isObject } from './bytes.js';
import { arrayEntry, entry, type MetaEntry } from './header.js';

type Json = Record<string, unknown>;

interface AddedToken {
  id: number;
  content: string;
  special: boolean;
}

const tokenType = { normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6 } as const;
const maxTokens = 1 << 24;

function unsupported(sentence: string): never {
  throw new RealizarError('UNSUPPORTED', `tokenizer.json: ${sentence}`);
}

/** All objects inside a value with a `type`, outermost first. */
function steps(value: unknown): Json[] {
  if (Array.isArray(value)) return value.flatMap(steps);
  if (!isObject(value)) return [];
  const inner = Object.values(value).flatMap((v) => (typeof v === 'object' ? steps(v) : []));
  return typeof value.type === 'string' ? [value, ...inner] : inner;
}

/** The name that GGUF files give to a way of splitting. */
function preTokenizer(json: Json): string {
  const all = steps(json.pre_tokenizer);
  const patterns = all.filter((s) => s.type === 'Split').map((s) => String((s.pattern as Json | undefined)?.Regex ?? ''));
  if (patterns.some((p) => p.includes('\\p{N}{1,3}'))) return 'llama-bpe';
  if (patterns.some((p) => p.includes('?\\p{L}+|\\p{N}|'))) return 'qwen2';
  if (patterns.length) return unsupported(`the text is split by '${patterns[0]!.slice(0, 60)}', for which GGUF has no name that is known here`);
  return all.some((s) => s.type === 'Digits') ? 'smollm' : 'gpt-2';
}

function addedTokens(json: Json): AddedToken[] {
  const list = Array.isArray(json.added_tokens) ? json.added_tokens.filter(isObject) : [];
  return list.map((t) => ({ id: Number(t.id), content: String(t.content), special: t.special === true }));
}

/** Texts by id, holes filled. */
function listTokens(vocab: Json, added: AddedToken[], size: number): { tokens: string[]; types: number[] } {
  const count = Math.max(size, ...added.map((t) => t.id + 1));
  if (!(count <= maxTokens)) unsupported(`a vocabulary of ${count} tokens is too large`);
  const tokens = Array.from({ length: count }, (_, id) => `[PAD${id}]`);
  const types = new Array<number>(count).fill(tokenType.unused);
  const set = (id: number, text: string, type: number) => {
    if (!Number.isInteger(id) || id < 0 || id >= count) throw new RealizarError('FORMAT', `tokenizer.json: token '${text}' has the id ${id} in a vocabulary of ${count}`);
    tokens[id] = text;
    types[id] = type;
  };
  for (const [text, id] of Object.entries(vocab)) set(id as number, text, tokenType.normal);
  for (const t of added) set(t.id, t.content, t.special ? tokenType.control : tokenType.user);
  return { tokens, types };
}

function textOf(value: unknown): string | undefined {
  const text = isObject(value) ? value.content : value;
  return typeof text === 'string' ? text : undefined;
}

function chatTemplate(config: Json): string | undefined {
  const template = config.chat_template;
  if (!Array.isArray(template)) return typeof template === 'string' ? template : undefined;
  return textOf(template.filter(isObject).map((t) => (t.name === 'default' ? t.template : undefined)).find(Boolean));
}

function specialEntries(json: Json, config: Json, tokens: string[], firstOf: (name: string) => number | undefined): [string, MetaEntry][] {
  const entries: [string, MetaEntry][] = [];
  for (const [kind, key] of [['bos', 'bos'], ['eos', 'eos'], ['unk', 'unknown'], ['pad', 'padding']] as const) {
    const text = textOf(config[`${kind}_token`]);
    const id = text === undefined ? firstOf(`${kind}_token_id`) : tokens.indexOf(text);
    if (id !== undefined && id >= 0 && id < tokens.length) entries.push([`tokenizer.ggml.${key}_token_id`, entry('u32', id)]);
  }
  const template = steps(json.post_processor).find((s) => s.type === 'TemplateProcessing');
  const startsSpecial = Array.isArray(template?.single) && isObject(template.single[0]) && 'SpecialToken' in template.single[0];
  const addBos = typeof config.add_bos_token === 'boolean' ? config.add_bos_token : startsSpecial;
  entries.push(['tokenizer.ggml.add_bos_token', entry('bool', addBos)]);
  if (typeof config.add_eos_token === 'boolean') entries.push(['tokenizer.ggml.add_eos_token', entry('bool', config.add_eos_token)]);
  const chat = chatTemplate(config);
  if (chat) entries.push(['tokenizer.chat_template', entry('string', chat)]);
  return entries;
}

/** `config`: tokenizer_config.json; `model`: config.json. */
export function hfTokenizerEntries(json: unknown, config: Json, model: Json): [string, MetaEntry][] {
  const bpe = isObject(json) && isObject(json.model) ? json.model : unsupported('there is no model in it');
  const root = json as Json;
  if (bpe.type !== undefined && bpe.type !== 'BPE') unsupported(`models of type ${String(bpe.type)} cannot be translated to GGUF here; BPE can`);
  if (!isObject(bpe.vocab) || !Array.isArray(bpe.merges)) unsupported('the model has no vocabulary and merges');
  const size = Math.max(Number(model.vocab_size) || 0, Object.keys(bpe.vocab as Json).length);
  const { tokens, types } = listTokens(bpe.vocab as Json, addedTokens(root), size);
  const firstOf = (name: string) => [model[name]].flat().find((v): v is number => typeof v === 'number');
  const special = specialEntries(root, config, tokens, firstOf);
  if (bpe.byte_fallback !== true) {
    const merges = (bpe.merges as unknown[]).map((m) => (Array.isArray(m) ? m.join(' ') : String(m)));
    return [
      ['tokenizer.ggml.model', entry('string', 'gpt2')], ['tokenizer.ggml.pre', entry('string', preTokenizer(root))],
      ['tokenizer.ggml.tokens', arrayEntry('string', tokens)], ['tokenizer.ggml.token_type', arrayEntry('i32', types)],
      ['tokenizer.ggml.merges', arrayEntry('string', merges)], ...special,
    ];
  }
  const kinds = tokens.map((t, id) => (types[id] === tokenType.normal && /^<0x[0-9A-F]{2}>$/.test(t) ? tokenType.byte : t === '<unk>' ? tokenType.unknown : types[id]!));
  return [
    ['tokenizer.ggml.model', entry('string', 'llama')], ['tokenizer.ggml.tokens', arrayEntry('string', tokens)],
    /* such vocabularies are sorted by merge */
    ['tokenizer.ggml.scores', arrayEntry('f32', tokens.map((_, id) => (kinds[id] === tokenType.normal ? -id : 0)))],
    ['tokenizer.ggml.token_type', arrayEntry('i32', kinds)],
    ['tokenizer.ggml.add_space_prefix', entry('bool', steps(root.normalizer).some((s) => s.type === 'Prepend') || steps(root.pre_tokenizer).some((s) => s.type === 'Metaspace' && s.prepend_scheme !== 'never'))],
    ...special,
  ];
}
