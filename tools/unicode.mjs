// Writes src/unicode.inc and src/unicode_forms.inc: what the engine knows of Unicode, as compact tables.
//   node tools/unicode.mjs
// Everything is asked of the Node.js it runs on; that one's Unicode version is named in the file.
// Combining classes are not exposed by JavaScript: only their order matters for canonical ordering,
// and that order shows in what normalize() swaps.

import { writeFileSync } from 'node:fs';

const categories = ['Lu', 'Ll', 'Lt', 'Lm', 'Lo', 'Mn', 'Mc', 'Me', 'Nd', 'Nl', 'No', 'Pc', 'Pd',
  'Ps', 'Pe', 'Pi', 'Pf', 'Po', 'Sm', 'Sc', 'Sk', 'So', 'Zs', 'Zl', 'Zp', 'Cc', 'Cf', 'Co', 'Cs', 'Cn'];
const scripts = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo', 'Latin', 'Greek', 'Cyrillic', 'Arabic',
  'Hebrew', 'Devanagari', 'Bengali', 'Thai', 'Lao', 'Khmer', 'Myanmar'];
const end = 0x110000;
const bit = { space: 0x20, unstable: 0x40, decomposes: 0x80 };

const text = (c) => String.fromCodePoint(c);
const codes = (s) => [...s].map((x) => x.codePointAt(0));
const surrogate = (c) => c >= 0xd800 && c <= 0xdfff;
const hangul = (c) => c >= 0xac00 && c <= 0xd7a3;
const all = function* () {
  for (let c = 0; c < end; c++) if (!surrogate(c)) yield c;
};

// ---- categories, white space -------------------------------------------------------------------

const classes = new Uint8Array(end).fill(categories.indexOf('Cs'));
const tests = categories.map((c) => new RegExp(`^\\p{${c}}$`, 'u'));
for (const c of all()) {
  classes[c] = tests.findIndex((t) => t.test(text(c))) | (/^\p{White_Space}$/u.test(text(c)) ? bit.space : 0);
}

// ---- canonical ordering ------------------------------------------------------------------------

/** True if a before b is not in canonical order: the class of a is higher, that of b not 0. */
function swapped(a, b) {
  const [da, db] = [text(a).normalize('NFD'), text(b).normalize('NFD')];
  return da !== db && (text(a) + text(b)).normalize('NFD') === db + da;
}
const [lowest, highest] = [0x334, 0x345];
const marks = [...all()].filter((c) => (classes[c] & 31) >= 5 && (classes[c] & 31) <= 7)
  .filter((c) => c === lowest || c === highest || swapped(c, lowest) || swapped(highest, c));
const groups = [];
for (const c of marks) {
  const same = groups.find((g) => !swapped(c, g[0]) && !swapped(g[0], c));
  if (same) same.push(c); else groups.push([c]);
}
groups.sort((a, b) => (swapped(a[0], b[0]) ? 1 : -1));
const order = new Map(groups.flatMap((g, i) => g.map((c) => [c, i + 1])));

// ---- composition and decomposition -------------------------------------------------------------

const pairs = []; // [composed, first, second]
for (const c of all()) {
  const s = text(c);
  const d = [...s.normalize('NFD')];
  if (hangul(c) || d.length < 2 || s.normalize('NFC') !== s) continue;
  const first = d.slice(0, -1).join('').normalize('NFC');
  if (codes(first).length !== 1 || (first + d.at(-1)).normalize('NFC') !== s) throw new Error(`pair of ${c}`);
  pairs.push([c, first.codePointAt(0), d.at(-1).codePointAt(0)]);
}
const joins = new Set(pairs.map((p) => p[2]));
for (let c = 0x1161; c <= 0x1175; c++) joins.add(c);
for (let c = 0x11a8; c <= 0x11c2; c++) joins.add(c);
for (const c of all()) {
  const s = text(c);
  if (s.normalize('NFC') !== s || order.has(c) || joins.has(c)) classes[c] |= bit.unstable;
  if (s.normalize('NFKD') !== s) classes[c] |= bit.decomposes;
}

/**
 * Pages of 64 code points. An entry: gap to the offset before << 2 | count (0: count in the next byte), then
 * for each code point its difference to the one at the same place of the entry before, zigzag, 7 bits a byte.
 */
function decompositions(form, but) {
  const pages = [];
  const bytes = [];
  let before = [];
  let offset = 0;
  for (const c of all()) {
    const d = text(c).normalize(form);
    if (d === text(c) || hangul(c) || (but && d === text(c).normalize(but))) continue;
    if (pages.at(-1)?.[0] !== c >> 6) {
      pages.push([c >> 6, bytes.length]);
      before = [c & ~63, ...Array(17).fill(0x300)];
      offset = -1;
    }
    const to = codes(d);
    bytes.push(((c & 63) - offset - 1) * 4 + (to.length < 4 ? to.length : 0));
    if (to.length >= 4) bytes.push(to.length);
    offset = c & 63;
    to.forEach((t, i) => {
      let z = t < before[i] ? (before[i] - t) * 2 - 1 : (t - before[i]) * 2;
      before[i] = t;
      for (; z > 127; z >>= 7) bytes.push((z & 127) | 128);
      bytes.push(z);
    });
  }
  pages.push([0xffff, bytes.length]);
  return { pages, bytes };
}

// ---- output ------------------------------------------------------------------------------------

let output = '';

function table(type, name, values) {
  const lines = [''];
  for (const v of values) {
    if (lines.at(-1).length + String(v).length > 98) lines.push('');
    lines[lines.length - 1] += `${v},`;
  }
  output += (`static const ${type} ${name}[${values.length}] = {\n${lines.join('\n')}};\n`);
}

const category = (c) => categories[classes[c] & 31];

/** Runs of equal values as first << 8 | value. Code points of other categories than `asked` have any value. */
function runs(valueOf, asked) {
  const out = [0];
  for (let c = 0, last = 0; c < end; c++) {
    if (!asked(category(c))) continue;
    const v = surrogate(c) ? 0 : valueOf(c);
    if (v !== last) out.push(c * 256 + v);
    last = v;
  }
  return out;
}

/** Writes the tables so far to src/NAME.inc. */
function writeTables(name) {
  const head = `/* Generated by tools/unicode.mjs: Unicode ${process.versions.unicode}. See ${name}.c for the layout. */\n`;
  writeFileSync(new URL(`../src/${name}.inc`, import.meta.url), head + output);
  output = '';
}
const blocks = new Map();
const index = [];
for (let c = 0; c < end; c += 256) {
  const block = Buffer.from(classes.subarray(c, c + 256)).toString('latin1');
  if (!blocks.has(block)) blocks.set(block, blocks.size);
  index.push(blocks.get(block));
}
table('uint8_t', 'uc_index', index);
table('uint8_t', 'uc_blocks', [...blocks.keys()].flatMap((b) => [...Buffer.from(b, 'latin1')]));
table('uint32_t', 'uc_order', runs((c) => order.get(c) ?? 0, (name) => name.startsWith('M')));

const scriptTests = scripts.map((s) => new RegExp(`^\\p{Script=${s}}$`, 'u'));
table('uint32_t', 'uc_scripts', runs((c) => scriptTests.findIndex((t) => t.test(text(c))) + 1, (name) => name !== 'Cn'));

const lower = []; // [first, count, stride, difference]
for (const c of all()) {
  const to = codes(text(c).toLowerCase());
  if (to.length > 1 && c !== 0x130) throw new Error(`lower case of ${c}`);
  const r = lower.at(-1);
  const step = r ? c - (r[0] + (r[1] - 1) * r[2]) : 0;
  if (to[0] === c) continue;
  if (r && r[3] === to[0] - c && (r[1] === 1 ? step <= 2 : step === r[2])) {
    r[2] = step;
    r[1]++;
  } else {
    lower.push([c, 1, 1, to[0] - c]);
  }
}
table('uint32_t', 'uc_lower_first', lower.map((r) => r[0]));
table('uint16_t', 'uc_lower_count', lower.map((r) => r[1] * 2 + (r[2] - 1)));
table('int32_t', 'uc_lower_difference', lower.map((r) => r[3]));

writeTables('unicode');

for (const [name, form, but] of [['canonical', 'NFD'], ['compatible', 'NFKD', 'NFD']]) {
  const { pages, bytes } = decompositions(form, but);
  table('uint16_t', `uc_${name}_page`, pages.map((p) => p[0]));
  table('uint16_t', `uc_${name}_at`, pages.map((p) => p[1]));
  table('uint8_t', `uc_${name}`, bytes);
}

// Pairs by second character, then by first; those above the 16-bit plane stand apart.
const small = pairs.filter((p) => p[0] < 0x10000).sort((a, b) => a[2] - b[2] || a[1] - b[1]);
const seconds = [...new Set(small.map((p) => p[2]))];
table('uint16_t', 'uc_second', seconds);
table('uint16_t', 'uc_second_at', [...seconds.map((s) => small.findIndex((p) => p[2] === s)), small.length]);
table('uint16_t', 'uc_first', small.map((p) => p[1]));
table('uint16_t', 'uc_joined', small.map((p) => p[0]));
table('uint32_t', 'uc_large_pairs', pairs.filter((p) => p[0] >= 0x10000).flatMap((p) => [p[1], p[2], p[0]]));
writeTables('unicode_forms');
