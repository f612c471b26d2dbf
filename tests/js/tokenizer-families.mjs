// Recorded tokenizations by family: from the fixtures, and of vocabularies that this repository makes.
// Each case: text, ids, and where it is recorded the text that comes back.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GgufWriter } from './gguf.mjs';
import { fixture, root } from './support.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** llama.cpp's own cases: `.inp` split on a line, `.out` one line of ids each, no BOS. */
function recordedPair(path) {
  const texts = readFileSync(`${path}.inp`, 'utf8').split('\n__ggml_vocab_test__\n').slice(0, -1);
  const lines = readFileSync(`${path}.out`, 'utf8').split('\n');
  return texts.map((text, i) => ({ text, ids: lines[i].split(' ').filter(Boolean).map(Number) }));
}

function ggufVocabularies() {
  const folder = fixture('tokenizers/gguf-vocab', 'vocabularies of llama.cpp');
  if (!folder) return [];
  const names = ['bert-bge', 'deepseek-coder', 'gpt-2', 'llama-spm', 'starcoder'];
  const families = names.map((name) => {
    const path = join(folder, `ggml-vocab-${name}.gguf`);
    return { family: `${name} (GGUF)`, model: path, tokenize: { addSpecial: false }, cases: recordedPair(path) };
  });
  const stories = fixture('gguf-models/stories260K.gguf', 'the vocabulary of stories260K');
  if (stories) {
    families.push({ family: 'stories260K (GGUF)', model: stories, tokenize: { addSpecial: false }, cases: recordedPair(stories.replace('.gguf', '.tok')) });
  }
  return families;
}

/** Tiny vocabularies of every kind of tokenizer.json, and SentencePiece models. */
function tinyFiles() {
  const folder = fixture('tokenizers/hf-tiny', 'tiny tokenizer.json files');
  if (!folder) return [];
  return Object.entries(readJson(join(folder, 'hf_tokenizer_cases.json'))).map(([name, { tokenizer, cases }]) => ({
    family: `tiny ${name}`,
    file: join(folder, tokenizer),
    tokenize: { addSpecial: false, parseSpecial: true },
    cases: cases.map(({ text, ids, decoded }) => ({ text, ids, decoded })),
  }));
}

/** bert-base-uncased: the published list of tokens with the steps of BERT's tokenizer. */
export function bertJson(vocabulary) {
  const vocab = Object.fromEntries(readFileSync(vocabulary, 'utf8').split('\n').filter(Boolean).map((t, i) => [t, i]));
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  return JSON.stringify({
    added_tokens: special.map((content) => ({ id: vocab[content], content, special: true, normalized: false })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', sep: ['[SEP]', vocab['[SEP]']], cls: ['[CLS]', vocab['[CLS]']] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab },
  });
}

/** Cases of Swift transformers for published tokenizers; texts come back cleaned up but for Llama's. */
function publishedFiles() {
  const folder = fixture('tokenizers/hf-json', 'published tokenizer.json files');
  const gguf = fixture('tokenizers/gguf-vocab', 'vocabularies of llama.cpp');
  if (!folder || !gguf) return [];
  const recorded = readJson(join(folder, 'tokenizer_cases.json'));
  const tokenize = { parseSpecial: true };
  const sources = {
    'bert-base-uncased': { json: bertJson(join(folder, 'bert-vocab.txt')), once: 'bert_uncased_encoded' },
    distilgpt2: { model: join(gguf, 'ggml-vocab-gpt-2.gguf'), once: 'gpt2_encoded_tokens' },
    'coreml-projects/Llama-2-7b-chat-coreml': { model: join(gguf, 'ggml-vocab-llama-spm.gguf'), once: 'llama_encoded' },
    'tiiuae/falcon-7b': { file: join(folder, 'falcon/tokenizer.json') },
    't5-base': { file: join(folder, 't5-small/tokenizer.json'), once: 't5_base_encoded' },
  };
  return Object.entries(sources).map(([name, { once, ...source }]) => {
    const cleanUp = !name.includes('Llama');
    const cases = recorded[name].flatMap((c) => [
      { text: c.input, ids: c.encoded.input_ids, decoded: c.decoded_without_special, detokenize: { cleanUp } },
      { text: c.input, ids: c.encoded.input_ids, decoded: c.decoded_with_special, detokenize: { cleanUp, special: true } },
    ]);
    if (once) {
      const { text, token_ids: ids, decoded_text: decoded } = readJson(join(folder, `${once}.json`));
      cases.push({ text, ids, decoded, detokenize: { cleanUp, special: true } });
    }
    return { family: name, tokenize, ...source, cases };
  });
}

function ggufBytes(data, pre) {
  const writer = new GgufWriter();
  writer.meta('general.architecture', 'string', 'llama');
  writer.meta('tokenizer.ggml.model', 'string', 'gpt2');
  writer.meta('tokenizer.ggml.pre', 'string', pre);
  writer.meta('tokenizer.ggml.add_bos_token', 'bool', false);
  writer.meta('tokenizer.ggml.tokens', 'string', data.tokens);
  writer.meta('tokenizer.ggml.merges', 'string', data.merges);
  return writer.bytes();
}

/** The kinds of tokenizer.ggml.pre over one vocabulary of our own; see conformance/pre_kinds.py. */
function kinds() {
  const data = readJson(join(root, 'tests', 'data', 'pre-kinds.json'));
  return Object.entries(data.kinds).map(([names, lines]) => ({
    family: `pre ${names.replaceAll(' ', ', ')}`,
    names: names.split(' '),
    bytes: (name) => ggufBytes(data, name),
    tokenize: { addSpecial: false },
    cases: data.texts.map((text, i) => ({ text, ids: lines[i].split(' ').map(Number), decoded: text })),
  }));
}

/** All families; those whose files are missing are named in a line NOT RUN. */
export function tokenizerFamilies() {
  return [...ggufVocabularies(), ...tinyFiles(), ...publishedFiles(), ...kinds()];
}

/** Opens a family's vocabulary; `name` is one of its names where it has several. */
export async function openFamily({ load, loadTokenizer }, family, options = {}, name = family.names?.[0]) {
  if (family.bytes) return load(family.bytes(name), { ...options, vocabOnly: true });
  if (family.model) return load(family.model, { ...options, vocabOnly: true });
  const config = family.file && join(family.file, '..', 'tokenizer_config.json');
  const file = family.json ?? readFileSync(family.file);
  return loadTokenizer(file, { ...options, config: config && existsSync(config) ? readFileSync(config) : undefined });
}

/** Runs the cases of a family: how many are exact, and the first that is not. */
export async function runFamily(vocabulary, family) {
  let exact = 0;
  let first;
  for (const { text, ids, decoded, detokenize } of family.cases) {
    const got = await vocabulary.tokenize(text, family.tokenize);
    const back = decoded === undefined ? undefined : await vocabulary.detokenize(ids, detokenize);
    if (String(got) === String(ids) && back === decoded) exact++;
    else first ??= { text, got: String(got), want: String(ids), back, decoded };
  }
  return { cases: family.cases.length, exact, first };
}
