// realizar chat, through pipes and, by script(1), at a terminal.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { load } from '../../dist/index-node.js';
import { randomLlama } from './gguf.mjs';
import { root } from './support.mjs';
import { temporaryFolder } from '../temporary.mjs';

const main = join(root, 'dist', 'cli', 'main.js');
const temp = temporaryFolder('chat');

const file = join(temp, 'small.gguf');
const control = { 350: '<|im_start|>', 351: '<|im_end|>' };
writeFileSync(file, randomLlama({ layers: 2, embedding: 64, feedForward: 96, heads: 4, kvHeads: 2, vocab: 800, context: 1024, name: 'small random', control }));
const slow = join(temp, 'slow.gguf');
writeFileSync(slow, randomLlama({ layers: 6, embedding: 512, feedForward: 1376, heads: 8, kvHeads: 4, vocab: 2048, context: 8192, name: 'slow random', control }));
const greedy = ['-t', '0', '-n', '8'];

/** Runs the chat with what is piped in. */
function piped(input, args = [file, ...greedy]) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, 'chat', ...args], { cwd: temp });
    let out = '';
    let err = '';
    child.stdout.on('data', (d) => (out += d));
    child.stderr.on('data', (d) => (err += d));
    child.on('close', (status) => resolve({ status, out, err }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** The answers of the same conversation through the package. */
async function answers(...contents) {
  const model = await load(file);
  const messages = [];
  const given = [];
  for (const content of contents) {
    messages.push({ role: 'user', content });
    const { message } = await model.chat(messages, { temperature: 0, maxTokens: 8 });
    messages.push(message);
    given.push(message.content.trimStart());
  }
  await model.close();
  return given;
}

describe('realizar chat with a pipe', () => {
  test('answers every line, with what was said before', async () => {
    const [first, second] = await answers('Hello you', 'And then?');
    assert.deepEqual(await piped('Hello you\n\nAnd then?\n'), { status: 0, out: `${first}\n${second}\n`, err: '' });
  });

  test('a line that ends with a backslash goes on in the next one, and the last one needs no line feed', async () => {
    const [answer] = await answers('One\ntwo\nthree');
    assert.deepEqual(await piped('One\\\ntwo\\\nthree'), { status: 0, out: `${answer}\n`, err: '' });
  });

  test('clears, saves, loads, shows and leaves by commands', async () => {
    const [first, second] = await answers('Hello you', 'And then?');
    const [fresh] = await answers('And then?');
    const saved = join(temp, 'saved.json');
    const script = ['Hello you', `/save ${saved}`, '/clear', 'And then?', `/load ${saved}`, 'And then?', '/clear', '/history', '/system Be kind.', '/history', '/exit', 'never'];
    const { status, out, err } = await piped(script.map((l) => `${l}\n`).join(''));
    assert.deepEqual([status, err], [0, '']);
    assert.deepEqual(out.split('\n'), [
      first, `Saved 2 messages in ${saved}.`, 'A new conversation.', fresh, `Loaded 2 messages from ${saved}.`, second,
      'A new conversation.', 'Nothing has been said.', 'The system message is set.', 'system: Be kind.', '',
    ]);
    const { messages } = JSON.parse(readFileSync(saved, 'utf8'));
    assert.deepEqual(messages.map(({ role, content }) => [role, content.trimStart()]), [['user', 'Hello you'], ['assistant', first]]);
  });

  test('takes a system message and a template', async () => {
    const template = join(temp, 'echo.jinja');
    writeFileSync(template, "{{ raise_exception(messages | map(attribute='content') | join(', ')) }}");
    const { status, out, err } = await piped('Hello\n', [file, '--system', 'Be kind.', '--template', template]);
    assert.deepEqual([status, out], [1, '']);
    assert.equal(err, 'error: the chat template refuses these messages in line 1: Be kind., Hello\n');
    assert.equal((await piped('Hello\n', [file, ...greedy, '--template', 'plain'])).status, 0);
    const unknown = await piped('Hello\n', [file, '--template', 'nope']);
    assert.match(unknown.err, /^error: there is no chat template 'nope': there are phi-4, chatml, /);
  });

  test('says in one sentence what is wrong, with status 1', async () => {
    const bad = join(temp, 'bad.json');
    writeFileSync(bad, '{"messages": [{"role": "user"}]}');
    const cases = [
      ['/frobnicate\n', 'error: there is no command /frobnicate: /help shows the commands\n'],
      ['/save\n', 'error: /save needs the name of a file\n'],
      ['/load nothing.json\n', 'error: cannot read nothing.json: there is no such file\n'],
      [`/load ${bad}\n`, `error: ${bad} is no conversation: it must be {"messages": [{"role": "...", "content": "..."}, ...]}\n`],
      [`/load ${file}\n`, `error: ${file} is not JSON\n`],
      ['/save /nowhere/at/all\n', "error: cannot write /nowhere/at/all: ENOENT: no such file or directory, open '/nowhere/at/all'\n"],
    ];
    for (const [input, err] of cases) assert.deepEqual(await piped(input), { status: 1, out: '', err }, input);
    const full = await piped(`${'word '.repeat(1500)}\n`);
    assert.equal(full.status, 1);
    assert.match(full.err, /^error: the prompt has \d+ tokens, the context holds 1024: shorten it or raise contextSize\n$/);
  });

  test('continues a dialogue with the shipped model and says so', async () => {
    const { status, out, err } = await piped('Hello\n', ['-n', '10', '--seed', '1']);
    assert.equal(status, 0);
    assert.ok(out.trim().length > 0);
    assert.match(err, / was not made for conversations: it has no chat template and no tokens of a chat format\. /);
  });
});

/**
 * At a terminal: a list of [what to wait for in what is shown since the last entry, what to type then].
 * Resolves with all that was shown and the status.
 */
function typed(steps, args = [file, ...greedy]) {
  /* exec: a shell that waits would get the Ctrl-C too, and dash tells that as its own status */
  const command = `exec ${[process.execPath, main, 'chat', ...args].map((a) => `'${a}'`).join(' ')}`;
  const child = spawn('script', ['-qfec', command, '/dev/null'], { cwd: temp, env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' } });
  let shown = '';
  let from = 0;
  let step = 0;
  const advance = () => {
    while (step < steps.length) {
      const [expected, keys] = steps[step];
      const at = shown.indexOf(expected, from);
      if (at < 0) return;
      from = at + expected.length;
      step++;
      child.stdin.write(keys);
    }
  };
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    child.stdout.on('data', (d) => {
      shown += d;
      advance();
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, shown, step });
    });
  });
}

const haveScript = existsSync('/usr/bin/script');
if (!haveScript) console.log('NOT RUN: realizar chat at a terminal (no script(1) here)');

describe('realizar chat at a terminal', () => {
  if (!haveScript) return;

  test('prompts, answers, and leaves by /exit or Ctrl-D', async () => {
    const [first] = await answers('Hello you');
    const { status, shown, step } = await typed([['> ', 'Hello you\r'], [first, ''], ['> ', '/exit\r']]);
    assert.deepEqual([status, step], [0, 3], shown);
    assert.ok(shown.includes('small random listens. /help shows the commands.'), shown);
    assert.ok(shown.endsWith('\x1b[?2004l'), 'bracketed paste is left on');
    const end = await typed([['> ', '\x04']]);
    assert.equal(end.status, 0, end.shown);
  });

  test('pasted lines are one message', async () => {
    const [answer] = await answers('One\ntwo\nthree');
    const { status, shown } = await typed([['> ', '\x1b[200~One\rtwo\rthree\x1b[201~\r'], [answer, ''], ['> ', '/history\r'], ['> ', '/exit\r']]);
    assert.equal(status, 0, shown);
    assert.ok(shown.includes('user: One\r\ntwo\r\nthree\r\n'), shown);
  });

  test('Ctrl-C stops an answer, keeps the conversation, and leaves at an empty prompt when pressed twice', async () => {
    const { status, shown, step } = await typed([
      ['> ', 'Hello you\r'], ['\r\n', ''], [' ', '\x03'], ['> ', '/history\r'], ['assistant:', ''], ['> ', 'half a line\x03'], ['> ', '\x03'], ['Ctrl-C again leaves', ''], ['> ', '\x03'],
    ], [slow, '-n', '8000', '-t', '0']);
    assert.deepEqual([status, step], [0, 9], shown);
    assert.match(shown, /user: Hello you\r\n\r\nassistant: \S+/);
  });

  test('one Ctrl-C at an empty prompt does not leave, and the next message is answered', async () => {
    const [first] = await answers('Hello you');
    const { status, shown } = await typed([['> ', '\x03'], ['> ', 'Hello you\r'], [first, ''], ['> ', '\x03'], ['> ', '/exit\r']]);
    assert.equal(status, 0, shown);
  });

  test('errors are shown and the conversation goes on', async () => {
    const [first] = await answers('Hello you');
    const { status, shown } = await typed([['> ', '/nothing\r'], ['error: there is no command /nothing', ''], ['> ', 'Hello you\r'], [first, ''], ['> ', '/exit\r']]);
    assert.equal(status, 0, shown);
  });

  test('the arrow key brings back what was typed', async () => {
    const [first, second] = await answers('Hello you', 'Hello you');
    const { status, shown, step } = await typed([['> ', 'Hello you\r'], [first, ''], ['> ', '\x1b[A\r'], [second, ''], ['> ', '/exit\r']]);
    assert.deepEqual([status, step], [0, 5], shown);
  });
});
