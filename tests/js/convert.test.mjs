// realizar convert, quantize and info: files written, read back and compared with llama.cpp's.
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { hfTokenizerEntries } from '../../dist/formats/hf-tokenizer.js';
import { load } from '../../dist/index-node.js';
import { cli, fails, logits, out, read, temp, works } from './converted.mjs';
import { filesOf, tinyLlama, withFolder } from './hf.mjs';
import { fixture, largestDifference, root, sameBits, shippedModel, shippedModels } from './support.mjs';
import { tokenizerFamilies } from './tokenizer-families.mjs';

/** Families whose tokenizer.json can be translated, and that file. */
const translated = ['t5-base', 'bert-base-uncased', 'tiny unigram', 'tiny wordpiece', 'tiny byte_level', 'tiny digits_bytelevel', 'tiny split_qwen2', 'tiny split_cl100k',
  'tiny split_qwen35', 'tiny split_o200k_harmony', 'tiny falcon_seq', 'tiiuae/falcon-7b'];
function tokenizers() {
  const families = tokenizerFamilies().filter(({ family }) => translated.includes(family));
  return families.map((family) => {
    const json = JSON.parse(family.json ?? readFileSync(family.file, 'utf8'));
    if (family.family === 'tiny wordpiece') json.post_processor = { type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[SEP]', 3] };
    const size = Math.max(Object.keys(json.model.vocab).length, ...json.added_tokens.map((t) => t.id + 1));
    return { family, size, json: JSON.stringify(json) };
  });
}

describe('realizar convert', () => {
  test('GGUF to .apr and back: the same metadata, tensors and logits', async () => {
    for (const { path, file } of shippedModels) {
      await works('convert', path, out(`${file}.apr`));
      await works('convert', out(`${file}.apr`), out(file));
      const [before, again] = [read(path), read(out(file))];
      for (const [key, { type, elementType, value }] of before.metadata) {
        const entry = again.metadata.get(key);
        assert.equal(JSON.stringify([entry.type, entry.elementType, entry.value]), JSON.stringify([type, elementType, value]), key); // JSON has no -0
      }
      assert.equal(again.tensors.length, before.tensors.length);
      for (const t of before.tensors) assert.ok(before.data(t).equals(again.data(again.byName.get(t.name))), t.name);
      assert.ok(sameBits(await logits(out(`${file}.apr`), [1, 2, 3]), await logits(path, [1, 2, 3])));
    }
  });

  test('llama2.c with its tokenizer to GGUF', async () => {
    const [model, tokenizer, gguf] = ['llama2c/stories260K.bin', 'llama2c/tok512.bin', 'gguf-models/stories260K.gguf'].map((f) => fixture(f, 'converting llama2.c'));
    if (!model || !gguf) return;
    await works('convert', model, out('l2c.gguf'), '--tokenizer', tokenizer);
    const [ours, theirs] = [read(out('l2c.gguf')), read(gguf)];
    for (const key of ['tokens', 'scores', 'token_type']) assert.deepEqual(ours.metadata.get(`tokenizer.ggml.${key}`).value, theirs.metadata.get(`tokenizer.ggml.${key}`).value, key);
    assert.ok(sameBits(await logits(out('l2c.gguf'), [1, 5, 9]), await logits(gguf, [1, 5, 9])));
    await works('convert', model, out('ids.gguf'));
    assert.equal((await logits(out('ids.gguf'), [1, 5])).length, 1024);
  });

  for (const { family, size, json } of tokenizers()) {
    test(`the tokenizer of ${family.family} to GGUF: the recorded tokens, the folder's texts and logits`, async () => {
      const files = filesOf(tinyLlama({ vocab: size }), { 'tokenizer.json': json });
      await withFolder(files, async (hf) => {
        await works('convert', hf, out('tokenizer.gguf'));
        const [folder, file] = [await load(hf, { threads: 1 }), await load(out('tokenizer.gguf'), { threads: 1 })];
        for (const { text, ids } of family.cases) {
          assert.deepEqual(await file.tokenize(text, family.tokenize), ids, text);
          assert.equal(await file.detokenize(ids), await folder.detokenize(ids));
        }
        const ids = family.cases[0].ids.slice(0, 20);
        assert.ok(largestDifference(await file.logits(ids), await folder.logits(ids)) < 1e-5);
        await Promise.all([folder.close(), file.close()]);
      });
    });
  }

  test('what cannot be converted is refused in a sentence, and no file is left', async () => {
    await fails('the name of the new file must end in .gguf or .apr, unlike x.bin', 'convert', shippedModel, 'x.bin');
    await fails('a predictor of .apr version 1 is no language model: it cannot be converted', 'convert', join(root, 'models', 'mnist_784x2.apr'), out('no.gguf'));
    await fails(`cannot open ${out('none')}: there is no such file`, 'convert', out('none'), out('no.gguf'));
    writeFileSync(out('text.txt'), 'hello, world');
    await fails(`${out('text.txt')} is none of GGUF, .apr and llama2.c; of safetensors models name the folder`, 'convert', out('text.txt'), out('no.gguf'));
    const cut = out('cut.gguf');
    writeFileSync(cut, readFileSync(shippedModel).subarray(0, -1000));
    const { status, err } = await cli('convert', cut, out('no.apr'));
    assert.equal(status, 1);
    assert.match(err, /^error: the file ends at byte \d+, inside tensor '[\w.]+'\n$/);
    assert.deepEqual(readdirSync(temp).filter((f) => f.startsWith('no.')), []);
  });
});

describe('realizar quantize', () => {
  const floats = fixture('gguf-models/stories260K.gguf', 'quantising');
  const wide = fixture('gguf-models/stories260K-pad256-F32.gguf', 'quantising to K types');

  for (const type of floats ? ['F16', 'BF16', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0'] : []) {
    test(`${type}: the bytes of ggml`, async () => {
      await works('quantize', floats, out(`${type}.gguf`), '--type', type.toLowerCase());
      const [ours, theirs] = [read(out(`${type}.gguf`)), read(fixture(`gguf-models/stories260K-${type}.gguf`, type))];
      for (const t of theirs.tensors) {
        const own = ours.byName.get(t.name);
        /* llama.cpp gives the output matrix more bits; that file was not made by it */
        if (t.name === 'output.weight' && /^Q[45]/.test(type)) {
          assert.equal(own.type, 'Q8_0');
          continue;
        }
        assert.equal(own.type, t.type, t.name);
        assert.ok(ours.data(own).equals(theirs.data(t)), t.name);
      }
    });
  }

  for (const type of wide ? ['Q4_K_M', 'Q6_K'] : []) {
    test(`${type}: llama.cpp's mixture of types`, async () => {
      await works('quantize', wide, out(`${type}.gguf`), '--type', type.toLowerCase());
      const [ours, theirs] = [read(out(`${type}.gguf`)), read(fixture(`gguf-models/stories260K-pad256-${type}.gguf`, type))];
      assert.deepEqual(ours.tensors.map((t) => `${t.name} ${t.type}`).sort(), theirs.tensors.map((t) => `${t.name} ${t.type}`).sort());
      assert.equal(ours.metadata.get('general.file_type').value, theirs.metadata.get('general.file_type').value);
    });
  }

  test('native and wasm write the same file', async () => {
    if (!wide) return;
    for (const backend of ['native', 'wasm']) await works('quantize', wide, out(`${backend}.gguf`), '--type', 'q4_k_m', '--backend', backend);
    assert.ok(readFileSync(out('native.gguf')).equals(readFileSync(out('wasm.gguf'))));
  });

  test('refuses types that do not exist and weights that are small already', async () => {
    await fails("there is no type 'q3_x' to quantise to; there are f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q4_k_s, q4_k_m, q5_k_s, q5_k_m, q6_k, q4_k, q5_k",
      'quantize', shippedModel, out('no.gguf'), '--type', 'q3_x');
    await fails("tensor 'blk.0.attn_q.weight' is Q8_0 already: quantise the file with the floats instead", 'quantize', join(root, 'models', 'stories-q8_0.gguf'), out('no.gguf'), '--type', 'q4_k_m');
  });
});

describe('realizar info', () => {
  const info = async (...args) => JSON.parse(await works('info', ...args, '--format', 'json'));

  test('says format, types, tokenizer, template and memory', async () => {
    const i = await info(shippedModel, '--ctx', '100', '--tensors');
    assert.equal(i.format, 'GGUF v3');
    assert.equal(i.architecture, 'llama');
    assert.equal(i.tokenizer.tokens, i.shape.vocabSize);
    assert.equal(i.chatTemplate, false);
    assert.equal(i.memory.context, 100);
    assert.equal(i.types.reduce((n, t) => n + t.tensors, 0), i.tensors.length);
    assert.equal(i.types.reduce((n, t) => n + t.bytes, 0), i.tensorBytes);
    const model = await load(shippedModel, { backend: 'native', threads: 1, contextSize: 100 });
    assert.equal(i.parameters, model.info.parameters);
    assert.equal(i.tensorBytes, model.info.fileBytes);
    const { timings } = await model.generate([1, 2, 3], { maxTokens: 97, ignoreEnd: true });
    assert.ok(Math.abs(i.memory.totalBytes / timings.memoryBytes - 1) < 0.15, `${i.memory.totalBytes} and ${timings.memoryBytes}`);
    await model.close();
    const table = await works('info', shippedModel, '--tensors');
    assert.match(table, /^tensor +type +shape +bytes +offset$/m);
    assert.match(table, /^token_embd.weight +Q8_0 +\d+ x \d+ +\d+ +\d+$/m);
  });

  test('knows every format by its bytes, not by its name', async () => {
    await works('convert', shippedModel, out('i.apr'));
    copyFileSync(out('i.apr'), out('misnamed.gguf'));
    const apr = await info(out('misnamed.gguf'));
    assert.equal(apr.format, 'APR v2');
    assert.equal(apr.architecture, 'llama');
    assert.ok(apr.tokenizer.tokens > 100 && apr.shape.layers > 1 && apr.memory.totalBytes > 1e6);
    const v1 = await info(join(root, 'models', 'mnist_784x2.apr'));
    assert.deepEqual([v1.format, v1.architecture, v1.metadata.created_at], ['APR v1', 'LogisticRegression', '1764278947']);
    const l2c = fixture('llama2c/stories260K_ak42_v1.bin', 'info of llama2.c');
    if (l2c) assert.equal((await info(l2c)).format, 'llama2.c v1');
    const st = fixture('safetensors-models/bf16-llama/tiny_llama.safetensors', 'info of safetensors');
    if (st) {
      const i = await info(st);
      assert.deepEqual([i.format, i.architecture, i.types[0].type], ['safetensors', 'llama', 'BF16']);
    }
    writeFileSync(out('text.gguf'), 'hello, world');
    await fails('the file starts with bytes 68 65 6c 6c: it is none of GGUF, safetensors, .apr and llama2.c', 'info', out('text.gguf'));
  });

  test('reads the header over HTTP, from servers with and without ranges', async () => {
    const bytes = readFileSync(shippedModel);
    let sent = 0;
    const server = createServer((request, response) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      if (request.url === '/missing.gguf') return response.writeHead(404).end();
      if (request.url === '/plain.gguf' || from === undefined) return response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      const part = bytes.subarray(Number(from), Number(to) + 1);
      sent += part.length;
      response.writeHead(206, { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`, 'content-length': part.length });
      response.end(part);
    });
    after(() => server.close());
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${server.address().port}`;
    const { model: _, ...local } = await info(shippedModel);
    for (const path of ['ranges.gguf', 'plain.gguf']) {
      const { model, ...remote } = await info(`${url}/${path}`);
      assert.deepEqual(remote, local);
      assert.equal(model, `${url}/${path}`);
    }
    assert.ok(sent <= 1.2e6, `${sent} bytes were sent`);
    await fails(`${url}/missing.gguf answered 404 Not Found`, 'info', `${url}/missing.gguf`);
  });
});

describe('tokenizer.json as GGUF metadata', () => {
  const entries = (name, config = {}, model = {}, post_processor = undefined) => {
    const path = fixture(`tokenizers/hf-tiny/${name}`, 'translating tokenizers');
    return path && new Map(hfTokenizerEntries({ ...JSON.parse(readFileSync(path, 'utf8')), ...(post_processor && { post_processor }) }, config, model));
  };

  test('kinds and ways to split by their names', () => {
    const expected = [
      ['tiny_bpe_bytelevel_tokenizer.json', 'gpt2', 'gpt-2'], ['tiny_bpe_digits_bytelevel_tokenizer.json', 'gpt2', 'smollm'],
      ['tiny_bpe_split_qwen2_tokenizer.json', 'gpt2', 'qwen2'], ['tiny_bpe_split_cl100k_tokenizer.json', 'gpt2', 'dbrx'],
      ['tiny_bpe_split_qwen35_tokenizer.json', 'gpt2', 'qwen35'], ['tiny_bpe_split_o200k_harmony_tokenizer.json', 'gpt2', 'gpt-4o'], ['tiny_bpe_falcon_seq_tokenizer.json', 'gpt2', 'falcon'],
    ];
    for (const [name, model, pre] of expected) {
      const m = entries(name);
      if (!m) return;
      assert.deepEqual([m.get('tokenizer.ggml.model').value, m.get('tokenizer.ggml.pre').value], [model, pre], name);
      assert.equal(m.get('tokenizer.ggml.tokens').value.length, m.get('tokenizer.ggml.token_type').value.length);
    }
    const unigram = entries('tiny_unigram_tokenizer.json');
    assert.deepEqual(['model', 'unknown_token_id', 'add_space_prefix', 'remove_extra_whitespaces'].map((key) => unigram.get(`tokenizer.ggml.${key}`).value), ['t5', 0, true, false]);
    const words = entries('tiny_wordpiece_tokenizer.json', {}, {}, { type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[SEP]', 3] });
    assert.deepEqual(['model', 'bos_token_id', 'seperator_token_id', 'unknown_token_id'].map((key) => words.get(`tokenizer.ggml.${key}`).value), ['bert', 2, 3, 1]);
    assert.deepEqual(words.get('tokenizer.ggml.tokens').value.slice(3, 6), ['[SEP]', '[MASK]', '\u2581!']);
  });

  test('what GGUF cannot say of a tokenizer is refused', () => {
    const unigram = { type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0], ['\u2581', -1]] };
    const metaspace = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always' };
    const words = { type: 'WordPiece', unk_token: '[UNK]', vocab: { '[UNK]': 0, a: 1 } };
    const bert = { normalizer: { type: 'BertNormalizer' }, pre_tokenizer: { type: 'BertPreTokenizer' } };
    const refused = [
      [{ model: { type: 'WordLevel' } }, 'models of type WordLevel cannot be translated to GGUF; BPE, Unigram, WordPiece can'],
      [{ model: { ...unigram, byte_fallback: true } }, 'Unigram that falls back to tokens of bytes cannot be translated to GGUF: its readers take the unknown token there'],
      [{ model: { ...unigram, unk_id: null } }, 'Unigram without an unknown token cannot be translated to GGUF'],
      [{ model: unigram }, 'Unigram without a Metaspace cannot be translated to GGUF'],
      [{ model: unigram, pre_tokenizer: metaspace, normalizer: { type: 'NFKC' } }, 'the normalizer NFKC cannot be translated to GGUF for such a model; Precompiled, Replace, Strip can'],
      [{ model: unigram, pre_tokenizer: metaspace, normalizer: { type: 'Replace', pattern: { String: '``' }, content: '"' } }, 'the replacement of {"String":"``"} cannot be translated to GGUF'],
      [{ model: words, ...bert }, 'WordPiece of GGUF files puts a token before and one behind every text, this one does not'],
      [{ model: words, ...bert, normalizer: { type: 'BertNormalizer', clean_text: false } }, "WordPiece cannot be translated to GGUF without BERT's way to clean and split texts"],
      [{ model: { ...words, continuing_subword_prefix: '@@' }, ...bert }, "WordPiece that continues words with '@@' cannot be translated to GGUF; '##' can"],
    ];
    const merged = { type: 'BPE', vocab: { a: 0 }, merges: [] };
    const cl100k = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const split = (Regex, more) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false, ...more });
    refused.push(
      [{ model: merged }, "the text is split by 'nothing', for which GGUF has no name that is known here"],
      [{ model: merged, pre_tokenizer: split('x+') }, "the text is split by 'x+', for which GGUF has no name that is known here"],
      [{ model: merged, pre_tokenizer: split(cl100k, { behavior: 'MergedWithNext' }) }, "the text is split by 'Split MergedWithNext', for which GGUF has no name that is known here"],
      [{ model: { ...merged, ignore_merges: true }, pre_tokenizer: split(cl100k) }, "GGUF's name for its way of splitting, qwen2, means that whole words that are tokens are merged"],
      [{ model: merged, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } }, 'it puts a space before every text, which GGUF cannot say of such a model'],
    );
    for (const [json, sentence] of refused) assert.throws(() => hfTokenizerEntries(json, {}, {}), { code: 'UNSUPPORTED', message: `tokenizer.json: ${sentence}` });
    const around = { pre_tokenizer: { type: 'ByteLevel' }, model: { vocab: { a: 0, b: 1 }, merges: [] }, post_processor: { type: 'RobertaProcessing', cls: ['a', 0], sep: ['b', 1] } };
    assert.equal(new Map(hfTokenizerEntries(around, {}, {})).get('tokenizer.ggml.add_eos_token').value, true);
    assert.throws(() => hfTokenizerEntries(around, { eos_token: 'a' }, {}), { message: "tokenizer.json: it puts 'b' around a text, GGUF nothing but BOS and EOS" });
  });

  test('special tokens, templates and holes in the vocabulary', () => {
    const json = {
      model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: [['a', 'b']] },
      added_tokens: [{ id: 3, content: '<s>', special: true }, { id: 4, content: 'extra', special: false }],
      pre_tokenizer: { type: 'ByteLevel' },
    };
    const m = new Map(hfTokenizerEntries(json, { bos_token: { content: '<s>' }, add_bos_token: true, chat_template: [{ name: 'default', template: 'T' }] }, { vocab_size: 7, eos_token_id: [4, 3] }));
    assert.deepEqual(m.get('tokenizer.ggml.tokens').value, ['a', 'b', 'ab', '<s>', 'extra', '[PAD5]', '[PAD6]']);
    assert.deepEqual(m.get('tokenizer.ggml.token_type').value, [1, 1, 1, 3, 4, 5, 5]);
    assert.deepEqual(m.get('tokenizer.ggml.merges').value, ['a b']);
    assert.equal(m.get('tokenizer.ggml.bos_token_id').value, 3);
    assert.equal(m.get('tokenizer.ggml.eos_token_id').value, 4);
    assert.equal(m.get('tokenizer.ggml.add_bos_token').value, true);
    assert.equal(m.get('tokenizer.chat_template').value, 'T');
    assert.throws(() => hfTokenizerEntries({ ...json, model: { ...json.model, vocab: { a: 9 } } }, {}, {}), { message: "tokenizer.json: token 'a' has the id 9 in a vocabulary of 5" });
  });
});
