// Writes docs/tokenizers.md: every recorded family with its cases and how many are exact, how time grows
// on adversarial text, and the speed beside @huggingface/tokenizers on the same files and the same text.
//   npm install --no-package-lock --prefix tests/conformance && node tests/conformance/tokenizers.mjs [--no-speed]
import { existsSync, readdirSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadTokenizer } from '../../dist/index-node.js';
import { fixture, root } from '../js/support.mjs';
import { bertJson, openFamily, runFamily, tokenizerFamilies } from '../js/tokenizer-families.mjs';

const megabyte = 1 << 20;
const backends = existsSync(join(root, 'dist', 'native', 'realizar.node')) ? ['wasm', 'native'] : ['wasm'];
const lines = [];
const row = (...cells) => lines.push(`| ${cells.join(' | ')} |`);

/* ---- exactness ------------------------------------------------------------------------------ */

async function exactness() {
  let failed = 0;
  lines.push('## Families', '',
    'A case is exact if its ids are the recorded ones and, where a text is recorded, they decode to it.', '');
  row('family', 'cases', ...backends.map((b) => `exact (${b})`));
  row('---', '---:', ...backends.map(() => '---:'));
  for (const family of tokenizerFamilies()) {
    const results = [];
    for (const backend of backends) {
      const vocabulary = await openFamily({ load, loadTokenizer }, family, { backend });
      results.push(await runFamily(vocabulary, family));
      await vocabulary.close();
    }
    row(family.family, results[0].cases, ...results.map((r) => r.exact));
    failed += results.filter((r) => r.exact !== r.cases).length;
    console.log(family.family, ...results.map((r) => `${r.exact}/${r.cases}`));
  }
  lines.push('');
  return failed;
}

/* ---- adversarial text ------------------------------------------------------------------------ */

async function growth() {
  lines.push('## Adversarial text', '', 'Milliseconds to encode 64 KB and 1 MB of one character, in wasm.', '');
  row('family', ...['a', 'space', 'emoji'].flatMap((u) => [`${u}, 64 KB`, '1 MB']));
  row('---', ...Array(6).fill('---:'));
  const wanted = /GGUF|^bert-base|^tiiuae|^t5|pre (llama3|qwen35|gpt-4o|deepseek-llm|bloom|kimi)/;
  for (const family of tokenizerFamilies().filter((f) => wanted.test(f.family))) {
    const vocabulary = await openFamily({ load, loadTokenizer }, family, { backend: 'wasm' });
    const cells = [];
    for (const unit of ['a', ' ', '😀']) {
      for (const bytes of [megabyte / 16, megabyte]) {
        const text = unit.repeat(bytes / Buffer.byteLength(unit));
        const start = performance.now();
        await vocabulary.tokenize(text, { addSpecial: false });
        cells.push((performance.now() - start).toFixed(0));
      }
    }
    await vocabulary.close();
    row(family.family, ...cells);
  }
  lines.push('');
}

/* ---- speed ----------------------------------------------------------------------------------- */

/** Half prose, half code: 1 MB. */
function mixedText() {
  const prose = fixture('eval-text/wiki.test.raw', 'speed on prose');
  if (!prose) return undefined;
  const code = ['src', 'js'].flatMap((folder) => readdirSync(join(root, folder))
    .filter((f) => /\.(c|h|ts)$/.test(f)).map((f) => readFileSync(join(root, folder, f), 'utf8'))).join('');
  const half = (text) => text.repeat(Math.ceil(megabyte / 2 / text.length)).slice(0, megabyte / 2);
  return half(readFileSync(prose, 'utf8')) + half(code);
}

/** Median of five, in MB/s of text. */
async function rate(bytes, work) {
  const seconds = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await work();
    seconds.push((performance.now() - start) / 1000);
  }
  return bytes / 1e6 / seconds.sort((a, b) => a - b)[2];
}

async function speed() {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const text = mixedText();
  const folder = fixture('tokenizers/hf-json', 'speed on published files');
  if (!text || !folder) return;
  const files = {
    'phi-2 (byte-level BPE)': readFileSync(join(folder, 'phi-2/tokenizer.json'), 'utf8'),
    'falcon (byte-level BPE)': readFileSync(join(folder, 'falcon/tokenizer.json'), 'utf8'),
    't5-small (Unigram)': readFileSync(join(folder, 't5-small/tokenizer.json'), 'utf8'),
    'bert-base-uncased (WordPiece)': bertJson(join(folder, 'bert-vocab.txt')),
  };
  const bytes = Buffer.byteLength(text);
  lines.push('## Speed', '', `${(bytes / 1e6).toFixed(2)} MB, half WikiText-2, half this repository's sources; MB/s, median of five.`, '');
  row('vocabulary', 'call', ...backends.map((b) => `realizar, ${b}`), '@huggingface/tokenizers', 'wasm : theirs');
  row('---', '---', ...backends.map(() => '---:'), '---:', '---:');
  for (const [name, json] of Object.entries(files)) {
    const peer = new Tokenizer(JSON.parse(json), {});
    const ids = peer.encode(text, { add_special_tokens: false }).ids;
    const theirs = {
      encode: await rate(bytes, () => peer.encode(text, { add_special_tokens: false })),
      decode: await rate(bytes, () => peer.decode(ids)),
    };
    const ours = { encode: [], decode: [] };
    for (const backend of backends) {
      const tokenizer = await loadTokenizer(json, { backend });
      ours.encode.push(await rate(bytes, () => tokenizer.tokenize(text, { addSpecial: false, parseSpecial: true })));
      ours.decode.push(await rate(bytes, () => tokenizer.detokenize(ids)));
      await tokenizer.close();
    }
    for (const call of ['encode', 'decode']) {
      row(name, call, ...ours[call].map((r) => r.toFixed(1)), theirs[call].toFixed(2), `${(ours[call][0] / theirs[call]).toFixed(1)}x`);
    }
    console.log(name, ours, theirs);
  }
  lines.push('');
}

lines.push('# Tokenizers', '', 'Made by `node tests/conformance/tokenizers.mjs`; do not edit.', '');
const failed = await exactness();
await growth();
if (!process.argv.includes('--no-speed')) await speed();
mkdirSync(join(root, 'docs'), { recursive: true });
writeFileSync(join(root, 'docs', 'tokenizers.md'), `${lines.join('\n').trimEnd()}\n`);
process.exit(failed ? 1 : 0);
