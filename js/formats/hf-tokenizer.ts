/** tokenizer.json of Hugging Face as GGUF metadata: byte-level BPE, SentencePiece BPE with bytes, Unigram, WordPiece. */
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

const cl100k = (letters: string, digits: string, mark = '') => `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?${letters}|${digits}| ?[^\\s\\p{L}${mark}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const [upper, lower] = ['[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]', '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'];
const o200k = (tail: string, digits: string) => `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${tail}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${tail}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/** GGUF's names for ways of splitting; some mean that words which are tokens are not merged. */
const splits: { name: string; steps: string[]; wholeWords?: boolean }[] = [
  { name: 'gpt-2', steps: ['gpt2'] },
  { name: 'smollm', steps: ['digit', 'gpt2'] },
  { name: 'falcon', steps: ['punctuation', 'gpt2', 'digits', '[0-9][0-9][0-9]'] },
  { name: 'bloom', steps: [' ?[^(\\s|[.,!?…。，、।۔،])]+'] },
  { name: 'llama-bpe', steps: [cl100k('\\p{L}+', '\\p{N}{1,3}')], wholeWords: true },
  { name: 'dbrx', steps: [cl100k('\\p{L}+', '\\p{N}{1,3}')] },
  { name: 'qwen2', steps: [cl100k('\\p{L}+', '\\p{N}')] },
  { name: 'qwen35', steps: [cl100k('[\\p{L}\\p{M}]+', '\\p{N}', '\\p{M}')] },
  { name: 'gpt-4o', steps: [o200k("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", '\\p{N}{1,3}')] },
  { name: 'granite-embed-multi-97m', steps: [o200k("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", '\\p{N}{1,3}')], wholeWords: true },
  { name: 'tekken', steps: [o200k('', '\\p{N}')], wholeWords: true },
];

/** A step of splitting as the table has it; "": it splits nothing. */
function splitStep(step: Json): string {
  const kept = step.behavior === 'Isolated' ? !step.invert : step.behavior === 'Removed' && step.invert === true;
  switch (step.type) {
    case 'Sequence': return '';
    case 'ByteLevel': return step.use_regex === false ? '' : 'gpt2';
    case 'Digits': return step.individual_digits === true ? 'digit' : 'digits';
    case 'Punctuation': return step.behavior === 'Contiguous' ? 'punctuation' : `Punctuation ${String(step.behavior)}`;
    case 'Split': return kept ? textOf((step.pattern as Json | undefined)?.Regex) ?? 'Split' : `Split ${String(step.behavior)}`;
    default: return String(step.type);
  }
}

/** The name that GGUF files give to a way of splitting. */
function preTokenizer(json: Json, own: Json): string {
  const all = steps(json.pre_tokenizer);
  if (all.some((s) => s.type === 'ByteLevel' && s.add_prefix_space === true)) unsupported('it puts a space before every text, which GGUF cannot say of such a model');
  const wanted = all.map(splitStep).filter(Boolean);
  const same = splits.filter((s) => s.steps.join('\n') === wanted.join('\n'));
  const whole = own.ignore_merges === true;
  const found = same.find((s) => (s.wholeWords ?? false) === whole);
  if (found) return found.name;
  if (same.length) unsupported(`GGUF's name for its way of splitting, ${same[0]!.name}, means that whole words that are tokens ${whole ? 'are' : 'are not'} merged`);
  return unsupported(`the text is split by '${(wanted[0] ?? 'nothing').slice(0, 60)}', for which GGUF has no name that is known here`);
}

function addedTokens(json: Json): AddedToken[] {
  const list = Array.isArray(json.added_tokens) ? json.added_tokens.filter(isObject) : [];
  return list.map((t) => ({ id: Number(t.id), content: String(t.content), special: t.special === true }));
}

interface Vocabulary {
  tokens: string[];
  types: number[];
}

/** Texts by id, holes filled. */
function listTokens(vocab: [string, number][], added: AddedToken[], wanted: unknown): Vocabulary {
  const count = Math.max(Number(wanted) || 0, vocab.length, ...added.map((t) => t.id + 1));
  if (!(count <= maxTokens)) unsupported(`a vocabulary of ${count} tokens is too large`);
  const tokens = Array.from({ length: count }, (_, id) => `[PAD${id}]`);
  const types = new Array<number>(count).fill(tokenType.unused);
  const set = (id: number, text: string, type: number) => {
    if (!Number.isInteger(id) || id < 0 || id >= count) throw new RealizarError('FORMAT', `tokenizer.json: token '${text}' has the id ${id} in a vocabulary of ${count}`);
    tokens[id] = text;
    types[id] = type;
  };
  for (const [text, id] of vocab) set(id, text, tokenType.normal);
  for (const t of added) set(t.id, t.content, t.special ? tokenType.control : tokenType.user);
  return { tokens, types };
}

function textOf(value: unknown): string | undefined {
  const text = isObject(value) ? value.content : value;
  return typeof text === 'string' ? text : undefined;
}

function chatEntries({ chat_template: template }: Json): [string, MetaEntry][] {
  const text = Array.isArray(template) ? template.filter(isObject).find((t) => t.name === 'default' && t.template)?.template : template;
  return typeof text === 'string' && text ? [['tokenizer.chat_template', entry('string', text)]] : [];
}

/** The tokens that are put before a text and behind it. */
function around(json: Json): { before?: number; after?: number } {
  const all = steps(json.post_processor);
  const pair = all.find((s) => s.type === 'BertProcessing' || s.type === 'RobertaProcessing');
  const idOf = (place: unknown) => (Array.isArray(place) && typeof place[1] === 'number' ? place[1] : undefined);
  if (pair) return { before: idOf(pair.cls), after: idOf(pair.sep) };
  const template = all.find((s) => s.type === 'TemplateProcessing');
  if (!template || !Array.isArray(template.single)) return {};
  const pieces = template.single.filter(isObject);
  const text = pieces.findIndex((p) => 'Sequence' in p);
  const ids = (part: Json[]) => part.flatMap((p) => ((template.special_tokens as Record<string, Json> | undefined)?.[String((p.SpecialToken as Json | undefined)?.id)]?.ids ?? []) as number[]);
  const [before, after] = [ids(pieces.slice(0, text)), ids(pieces.slice(text + 1))];
  if (before.length > 1 || after.length > 1) unsupported('it puts several tokens around a text, GGUF one before and one behind it');
  return { before: before[0], after: after[0] };
}

function specialEntries(json: Json, config: Json, model: Json, tokens: string[]): [string, MetaEntry][] {
  const entries: [string, MetaEntry][] = [];
  const { before, after } = around(json);
  const put: Record<string, number | undefined> = { bos: before, eos: after };
  for (const [kind, key] of [['bos', 'bos'], ['eos', 'eos'], ['unk', 'unknown'], ['pad', 'padding']] as const) {
    const text = textOf(config[`${kind}_token`]);
    const ofModel = [model[`${kind}_token_id`]].flat().find((v): v is number => typeof v === 'number');
    const id = text === undefined ? put[kind] ?? ofModel : tokens.indexOf(text);
    if (put[kind] !== undefined && id !== put[kind]) unsupported(`it puts '${tokens[put[kind]]}' around a text, GGUF nothing but BOS and EOS`);
    if (id !== undefined && id >= 0 && id < tokens.length) entries.push([`tokenizer.ggml.${key}_token_id`, entry('u32', id)]);
  }
  const addBos = typeof config.add_bos_token === 'boolean' ? config.add_bos_token : before !== undefined;
  entries.push(['tokenizer.ggml.add_bos_token', entry('bool', addBos)]);
  entries.push(['tokenizer.ggml.add_eos_token', entry('bool', config.add_eos_token === true || after !== undefined)]);
  return [...entries, ...chatEntries(config)];
}

/** Steps other than these cannot be said. */
function onlySteps(value: unknown, what: string, known: string[]): Json[] {
  const all = steps(value);
  const other = all.find((s) => !['Sequence', ...known].includes(String(s.type)));
  if (other) unsupported(`the ${what} ${String(other.type)} cannot be translated to GGUF for such a model; ${known.join(', ')} can`);
  return all;
}

function isMetaspacePrefixed(step: Json): boolean {
  return step.type === 'Metaspace' && (step.prepend_scheme === undefined ? step.add_prefix_space !== false : step.prepend_scheme !== 'never');
}

/* ---- the kinds of models --------------------------------------------------------------------- */

interface Source {
  /** tokenizer.json and its model, tokenizer_config.json, config.json */
  json: Json;
  own: Json;
  config: Json;
  model: Json;
}

function bpe({ json, own, config, model }: Source): [string, MetaEntry][] {
  if (!isObject(own.vocab) || !Array.isArray(own.merges)) unsupported('the model has no vocabulary and merges');
  const { tokens, types } = listTokens(Object.entries(own.vocab as Record<string, number>), addedTokens(json), model.vocab_size);
  const special = specialEntries(json, config, model, tokens);
  if (own.byte_fallback !== true) {
    const merges = (own.merges as unknown[]).map((m) => (Array.isArray(m) ? m.join(' ') : String(m)));
    return [
      ['tokenizer.ggml.model', entry('string', 'gpt2')], ['tokenizer.ggml.pre', entry('string', preTokenizer(json, own))],
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
    ['tokenizer.ggml.add_space_prefix', entry('bool', steps(json.normalizer).some((s) => s.type === 'Prepend') || steps(json.pre_tokenizer).some(isMetaspacePrefixed))],
    ...special,
  ];
}

/** A score so low that a token of that name is never taken. */
const never = -10000;

/** Where white space is not merged, one more stands before a text that begins with it, as SentencePiece has it. */
function unigram({ json, own, config, model }: Source): [string, MetaEntry][] {
  if (!Array.isArray(own.vocab) || !own.vocab.every(Array.isArray)) unsupported('the model has no list of tokens and scores');
  if (own.byte_fallback === true) unsupported('Unigram that falls back to tokens of bytes cannot be translated to GGUF: its readers take the unknown token there');
  const pairs = own.vocab as [string, number][];
  const { tokens, types } = listTokens(pairs.map(([text], id) => [text, id]), addedTokens(json), model.vocab_size);
  const unknown = own.unk_id as number;
  if (tokens[unknown] === undefined) unsupported('Unigram without an unknown token cannot be translated to GGUF');
  types[unknown] = tokenType.unknown;
  const normalizers = onlySteps(json.normalizer, 'normalizer', ['Precompiled', 'Replace', 'Strip']);
  const splits = onlySteps(json.pre_tokenizer, 'pre-tokenizer', ['WhitespaceSplit', 'Metaspace']);
  if (!splits.some((s) => s.type === 'Metaspace')) unsupported('Unigram without a Metaspace cannot be translated to GGUF');
  const replaced = normalizers.filter((s) => s.type === 'Replace').map((s) => JSON.stringify(s.pattern));
  const strange = replaced.find((p) => p !== '{"Regex":" {2,}"}');
  if (strange) unsupported(`the replacement of ${strange.slice(0, 60)} cannot be translated to GGUF`);
  const map = normalizers.find((s) => s.type === 'Precompiled')?.precompiled_charsmap;
  const special = specialEntries(json, config, model, tokens).filter(([key]) => key !== 'tokenizer.ggml.unknown_token_id');
  return [
    ['tokenizer.ggml.model', entry('string', 't5')], ['tokenizer.ggml.tokens', arrayEntry('string', tokens)],
    ['tokenizer.ggml.scores', arrayEntry('f32', tokens.map((_, id) => pairs[id]?.[1] ?? never))],
    ['tokenizer.ggml.token_type', arrayEntry('i32', types)], ['tokenizer.ggml.unknown_token_id', entry('u32', unknown)],
    ['tokenizer.ggml.add_space_prefix', entry('bool', splits.some(isMetaspacePrefixed))],
    ['tokenizer.ggml.remove_extra_whitespaces', entry('bool', replaced.length > 0 || splits.some((s) => s.type === 'WhitespaceSplit'))],
    ...(typeof map === 'string' && map ? [['tokenizer.ggml.precompiled_charsmap', arrayEntry('u8', [...atob(map)].map((c) => c.charCodeAt(0)))] as [string, MetaEntry]] : []),
    ...special,
  ];
}

/** Words begin with U+2581 in GGUF, and what continues them with nothing. Words of any length are split there. */
function wordPiece({ json, own, config, model }: Source): [string, MetaEntry][] {
  if (!isObject(own.vocab)) unsupported('the model has no vocabulary');
  if ((own.continuing_subword_prefix ?? '##') !== '##') unsupported(`WordPiece that continues words with '${String(own.continuing_subword_prefix)}' cannot be translated to GGUF; '##' can`);
  const [normalizer, other] = onlySteps(json.normalizer, 'normalizer', ['BertNormalizer']);
  const [split] = onlySteps(json.pre_tokenizer, 'pre-tokenizer', ['BertPreTokenizer']);
  const usual = normalizer && !other && split && normalizer.clean_text !== false && normalizer.handle_chinese_chars !== false;
  if (!usual) unsupported("WordPiece cannot be translated to GGUF without BERT's way to clean and split texts");
  const { before, after } = around(json);
  if (before === undefined || after === undefined) unsupported('WordPiece of GGUF files puts a token before and one behind every text, this one does not');
  const vocab = Object.entries(own.vocab as Record<string, number>);
  const { tokens, types } = listTokens(vocab, addedTokens(json), model.vocab_size);
  const idOf = (text: unknown) => tokens.indexOf(textOf(text) ?? '');
  const ids: [string, number][] = [
    ['bos', before!], ['seperator', after!], ['unknown', idOf(own.unk_token)], ['eos', idOf(config.eos_token)], ['padding', idOf(config.pad_token)], ['mask', idOf(config.mask_token)],
  ];
  const lowercase = normalizer!.lowercase !== false;
  return [
    ['tokenizer.ggml.model', entry('string', 'bert')],
    ['tokenizer.ggml.tokens', arrayEntry('string', tokens.map((t, id) => (types[id] !== tokenType.normal ? t : t.startsWith('##') ? t.slice(2) : `\u2581${t}`)))],
    ['tokenizer.ggml.token_type', arrayEntry('i32', types)],
    ['tokenizer.ggml.normalizer.lowercase', entry('bool', lowercase)],
    ['tokenizer.ggml.normalizer.strip_accents', entry('bool', typeof normalizer!.strip_accents === 'boolean' ? normalizer!.strip_accents : lowercase)],
    ...ids.filter(([, id]) => id >= 0).map(([key, id]): [string, MetaEntry] => [`tokenizer.ggml.${key}_token_id`, entry('u32', id)]),
    ...chatEntries(config),
  ];
}

const translators = new Map([['BPE', bpe], ['Unigram', unigram], ['WordPiece', wordPiece]]);

/** `config`: tokenizer_config.json; `model`: config.json. */
export function hfTokenizerEntries(json: unknown, config: Json, model: Json): [string, MetaEntry][] {
  const own = isObject(json) && isObject(json.model) ? json.model : unsupported('there is no model in it');
  const type = own.type ?? (own.merges ? 'BPE' : Array.isArray(own.vocab) ? 'Unigram' : 'WordPiece'); // old files do not say it
  const translate = translators.get(String(type)) ?? unsupported(`models of type ${String(type)} cannot be translated to GGUF; ${[...translators.keys()].join(', ')} can`);
  return translate({ json: json as Json, own, config, model });
}
