// Tokenizers in Node.js, in wasm and natively: every recorded family exact, properties over any text,
// linear time, refusals.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { load, loadTokenizer, RealizarError } from '../../dist/index-node.js';
import { TextAssembler } from '../../dist/text.js';
import { GgufWriter } from './gguf.mjs';
import { root } from './support.mjs';
import { openFamily, runFamily, tokenizerFamilies } from './tokenizer-families.mjs';

const backends = [{ backend: 'wasm' }];
if (existsSync(join(root, 'dist', 'native', 'realizar.node'))) backends.push({ backend: 'native' });
else console.log('NOT RUN: tokenizers in the add-on (it is not built)');

const families = tokenizerFamilies();

for (const options of backends) {
  describe(`recorded families, ${options.backend}`, () => {
    for (const family of families) {
      test(family.family, async () => {
        for (const name of family.names ?? [undefined]) {
          const vocabulary = await openFamily({ load, loadTokenizer }, family, options, name);
          try {
            const { cases, exact, first } = await runFamily(vocabulary, family);
            console.log(`${name ?? family.family}: ${cases} cases, ${exact} exact`);
            assert.equal(exact, cases, `${JSON.stringify(first)}`);
            assert.deepEqual(vocabulary.info.warnings, []);
          } finally {
            await vocabulary.close();
          }
        }
      });
    }
  });
}

/** Byte-level BPE over `alphabet` of all bytes, and what it splits by. */
const byteLevel = families.find((f) => f.family.startsWith('pre llama3'));

describe('properties over any string', async () => {
  const vocabulary = await openFamily({ load, loadTokenizer }, byteLevel);
  after(() => vocabulary.close());
  const anyString = fc.string({ unit: fc.oneof(fc.fullUnicode?.() ?? fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom(' ', '  ', '\n', "'s", 'a', 'hello', '\u0301', '😀', '123', '\ud800')), maxLength: 40 });

  test('the text comes back, lone surrogates as U+FFFD', () =>
    fc.assert(fc.asyncProperty(anyString, async (text) => {
      const ids = await vocabulary.tokenize(text, { addSpecial: false });
      assert.equal(await vocabulary.detokenize(ids), text.toWellFormed?.() ?? Buffer.from(text).toString());
    }), { numRuns: 500 }));

  test('pieces never end inside a character and join to the text', () =>
    fc.assert(fc.asyncProperty(anyString, async (text) => {
      const ids = await vocabulary.tokenize(text, { addSpecial: false });
      const assembler = new TextAssembler([]);
      let joined = '';
      for (const id of ids) {
        const piece = assembler.push(vocabulary.engine.piece(id, 0));
        assert.doesNotMatch(piece, /[\ud800-\udbff]$/);
        joined += piece;
      }
      assert.equal(joined + assembler.end(), Buffer.from(text).toString());
    }), { numRuns: 200 }));

  test('special tokens in plain text stay text', () =>
    fc.assert(fc.asyncProperty(anyString, async (text) => {
      const ids = await vocabulary.tokenize(text, { addSpecial: false });
      assert.ok(ids.every((id) => id >= 0 && id < vocabulary.info.vocabSize));
    }), { numRuns: 100 }));
});

/* ---- tokenizer.json ------------------------------------------------------------------------- */

const vocab = Object.fromEntries([...'abcdefgh ', 'ab', 'abc'].map((t, i) => [t, i]));
const model = { type: 'BPE', vocab, merges: ['a b', 'ab c'], unk_token: null };
const open = (json, options) => loadTokenizer(JSON.stringify(json), { backend: 'wasm', ...options });

test('added tokens: special, normalised, whole words, with the white space beside them', async () => {
  const added = [
    { id: 11, content: '<s>', special: true },
    { id: 12, content: 'de', special: false },
    { id: 13, content: '<l>', special: true, lstrip: true },
    { id: 14, content: '<r>', special: true, rstrip: true },
    { id: 15, content: 'gh', special: false, single_word: true },
  ];
  const tokenizer = await open({ added_tokens: added, model, normalizer: { type: 'Lowercase' } });
  const ids = (text, parseSpecial = true) => tokenizer.tokenize(text, { parseSpecial });
  assert.deepEqual(await ids('ABC<s>ab'), [10, 11, 9]);
  assert.deepEqual(await ids('ABC<s>ab', false), [10, 9]); // '<' and 's' are no tokens: left out
  assert.deepEqual(await ids('aDEa'), [0, 12, 0]);
  assert.deepEqual(await ids('a  <l>  a'), [0, 13, 8, 8, 0]);
  assert.deepEqual(await ids('a  <r>  a'), [0, 8, 8, 14, 0]);
  assert.deepEqual(await ids('a gh agh'), [0, 8, 15, 8, 0, 6, 7]);
  await tokenizer.close();
});

test('BOS and EOS: from the post-processor, or as tokenizer_config.json says', async () => {
  const added = [{ id: 11, content: '<s>', special: true }, { id: 12, content: '</s>', special: true }];
  const json = { added_tokens: added, model };
  const post = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [11], tokens: ['<s>'] } },
  };
  const config = (c) => ({ config: JSON.stringify(c) });
  const names = { bos_token: { content: '<s>' }, eos_token: '</s>' };
  for (const [given, options, want] of [
    [json, {}, [9]],
    [{ ...json, post_processor: post }, {}, [11, 9]],
    [{ ...json, post_processor: post }, config({ ...names, add_bos_token: false }), [9]],
    [json, config({ ...names, add_bos_token: true, add_eos_token: true }), [11, 9, 12]],
  ]) {
    const tokenizer = await open(given, options);
    assert.deepEqual(await tokenizer.tokenize('ab'), want);
    assert.deepEqual(await tokenizer.tokenize('ab', { addSpecial: false }), [9]);
    await tokenizer.close();
  }
});

test('decoding: the first word piece keeps its mark, later ones join or start a word; no space in front of signs', async () => {
  const vocab = Object.fromEntries(['[UNK]', 'do', '##n', "n't", '##ing', 'go', '.', "' ", "'s", 'x .'].map((text, id) => [text, id]));
  for (const [cleanup, ids, want] of [
    [true, [4, 1, 4], '##ing doing'], [true, [1, 3, 5, 4, 6], "don't going."], [true, [6, 1, 6], '. do.'], [true, [5, 8, 1], "go's do"],
    [false, [1, 3, 6], "do n't ."], [false, [4], '##ing'],
  ]) {
    const tokenizer = await open({ model: { type: 'WordPiece', unk_token: '[UNK]', vocab }, decoder: { type: 'WordPiece', prefix: '##', cleanup } });
    assert.equal(await tokenizer.detokenize(ids), want);
    await tokenizer.close();
  }
});

test('Metaspace marks the first word only where nothing was taken from in front of it', async () => {
  const model = { type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0], ['▁a', -1], ['a', -2], ['▁', -3]] };
  const json = (prepend_scheme) => ({ model, normalizer: { type: 'Strip' }, pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme } });
  for (const [scheme, text, want] of [['first', 'a', [1]], ['first', ' a', [2]], ['first', '\u3000a a ', [2, 1]], ['always', ' a', [1]], ['never', 'a', [2]]]) {
    const tokenizer = await open(json(scheme));
    assert.deepEqual(await tokenizer.tokenize(text), want, `${scheme} ${JSON.stringify(text)}`);
    await tokenizer.close();
  }
});

test('refusals name what is wrong', async () => {
  for (const [json, code, message] of [
    ['{"model": ', 'FORMAT', /^tokenizer\.json: it is no JSON from byte \d+ on$/],
    ['{}', 'FORMAT', 'tokenizer.json: it has no model'],
    [{ model: { type: 'BPE' } }, 'FORMAT', 'tokenizer.json: the model has no list of tokens'],
    [{ model: { type: 'BPE', vocab } }, 'FORMAT', 'tokenizer.json: BPE has no list of merges'],
    [{ model: { ...model, merges: ['ab'] } }, 'FORMAT', 'tokenizer.json: the list of merges cannot be read'],
    [{ model: { ...model, vocab: { a: -1 } } }, 'FORMAT', 'tokenizer.json: a token has an id that cannot be one'],
    [{ model: { ...model, vocab: { a: 1e6 } } }, 'FORMAT', 'tokenizer.json: a token has id 1000000, but there are only 1'],
    [{ model: { ...model, type: 'WordLevel' } }, 'UNSUPPORTED', "tokenizer.json: model 'WordLevel' is not supported"],
    [{ model, normalizer: { type: 'Odd' } }, 'UNSUPPORTED', "tokenizer.json: normalizer 'Odd' is not supported"],
    [{ model, pre_tokenizer: { type: 'Odd' } }, 'UNSUPPORTED', "tokenizer.json: pre-tokenizer 'Odd' is not supported"],
    [{ model, decoder: { type: 'CTC' } }, 'UNSUPPORTED', "tokenizer.json: decoder 'CTC' is not supported"],
    [{ model, post_processor: { type: 'BertProcessing', sep: ['a', 99], cls: ['a', 0] } }, 'FORMAT',
      'tokenizer.json: the post-processor names a token that does not exist'],
    ['\u0005', 'FORMAT', 'tokenizer.model: it is no SentencePiece model'],
  ]) {
    const text = typeof json === 'string' ? json : JSON.stringify(json);
    await assert.rejects(loadTokenizer(text, { backend: 'wasm' }), (error) => {
      assert.ok(error instanceof RealizarError, String(error));
      assert.equal(error.code, code, error.message);
      if (message instanceof RegExp) assert.match(error.message, message);
      else assert.equal(error.message, message);
      return true;
    });
  }
});

test('an unknown pre-tokenizer is told and treated like the default one', async () => {
  const writer = new GgufWriter();
  writer.meta('general.architecture', 'string', 'llama');
  writer.meta('tokenizer.ggml.model', 'string', 'gpt2');
  writer.meta('tokenizer.ggml.pre', 'string', 'brand-new');
  writer.meta('tokenizer.ggml.tokens', 'string', ['a', 'b', 'ab']);
  writer.meta('tokenizer.ggml.merges', 'string', ['a b']);
  const vocabulary = await load(writer.bytes(), { vocabOnly: true });
  assert.deepEqual(vocabulary.info.warnings,
    ["the pre-tokenizer 'brand-new' is not known: text is split by the default one, and tokens may be wrong"]);
  assert.deepEqual(await vocabulary.tokenize('ab'), [2]);
  await vocabulary.close();
});

/* ---- time ------------------------------------------------------------------------------------ */

test('time grows with the text: 64 KB to 1 MB of a, of spaces, of emoji (printed)', async () => {
  for (const family of [byteLevel, families.find((f) => f.family.startsWith('pre bloom')), ...families.filter((f) => f.model || f.json)]) {
    const vocabulary = await openFamily({ load, loadTokenizer }, family, { backend: 'wasm' });
    for (const unit of ['a', ' ', '😀']) {
      const ms = [];
      for (const bytes of [1 << 16, 1 << 20]) {
        const text = unit.repeat(bytes / Buffer.byteLength(unit));
        const start = performance.now();
        const ids = await vocabulary.tokenize(text, { addSpecial: false });
        ms.push(performance.now() - start);
        assert.ok(ids.length <= 3 * bytes + 8);
      }
      console.log(`${family.family} of '${unit}': 64 KB ${ms[0].toFixed(0)} ms, 1 MB ${ms[1].toFixed(0)} ms`);
    }
    await vocabulary.close();
  }
});
