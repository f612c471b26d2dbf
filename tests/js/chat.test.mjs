// Conversations: templates against recorded texts, detection, refusals, and the KV cache in every mode.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formats } from '../../dist/chat/formats.js';
import { ChatPrompter } from '../../dist/chat/render.js';
import { strftime, Template } from '../../dist/chat/template.js';
import { RealizarError } from '../../dist/index-node.js';
import { GgufWriter, randomLlama } from './gguf.mjs';
import { fixture, root, shippedModel } from './support.mjs';
import { withModel } from './with-model.mjs';

const modes = [
  { name: 'wasm', options: { backend: 'wasm', threads: 1 } },
  { name: 'wasm in a worker', options: { backend: 'wasm', threads: 2, worker: true } },
  { name: 'native', options: { backend: 'native', threads: 1 } },
  { name: 'native in a worker', options: { backend: 'native', threads: 1, worker: true } },
];

const small = { type: 'Q8_0', layers: 2, embedding: 64, feedForward: 96, heads: 4, kvHeads: 2, vocab: 800, context: 512 };
const chatml = { 350: '<|im_start|>', 351: '<|im_end|>' };

/** A vocabulary-only file with these control tokens, or tokens of another type. */
function vocabulary({ control = [], type = 3, metadata = {}, bos = '<s>', addBos } = {}) {
  const tokens = ['<unk>', bos, '</s>', ...control, ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)];
  const w = new GgufWriter()
    .meta('general.architecture', 'string', 'llama')
    .meta('tokenizer.ggml.model', 'string', 'llama')
    .meta('tokenizer.ggml.tokens', 'string', tokens)
    .meta('tokenizer.ggml.scores', 'f32', tokens.map(() => 0))
    .meta('tokenizer.ggml.token_type', 'i32', tokens.map((t, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 3 + control.length ? type : 6)))
    .meta('tokenizer.ggml.bos_token_id', 'u32', 1)
    .meta('tokenizer.ggml.eos_token_id', 'u32', 2);
  if (addBos !== undefined) w.meta('tokenizer.ggml.add_bos_token', 'bool', addBos);
  for (const [key, value] of Object.entries(metadata)) w.meta(key, 'string', value);
  return w.bytes();
}

const withVocabulary = (options, use) => withModel(vocabulary(options), { vocabOnly: true }, use);

function rejectsWith(promise, code, message) {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof RealizarError, `${error?.name}: ${error?.message}`);
    assert.deepEqual([error.code, error.message], [code, message]);
    return true;
  });
}

const talk = [{ role: 'system', content: 'S' }, { role: 'user', content: 'U1' }, { role: 'assistant', content: 'A1' }, { role: 'user', content: 'U2' }];

describe('templates', () => {
  test('render the recorded texts', () => {
    const path = fixture('chat-templates/cases.json', 'recorded chat templates');
    if (!path) return;
    const special = JSON.parse(readFileSync(fixture('chat-templates/bos_eos.json', 'recorded chat templates'), 'utf8'));
    let count = 0;
    for (const [name, { template, cases }] of Object.entries(JSON.parse(readFileSync(path, 'utf8')))) {
      for (const { messages, add_generation_prompt, expected, raises, error } of cases) {
        const render = () => new Template(template, 'T').render({ messages, add_generation_prompt, tools: null, ...special[name] });
        if (raises) assert.throws(render, { code: 'ARGUMENT', message: `T refuses these messages in line 1: ${error}` });
        else assert.equal(render(), expected);
        count++;
      }
    }
    console.log(`${count} recorded texts equal`);
    assert.equal(count, 42);
  });

  test('of real models render what Jinja2 renders', () => {
    const { special, cases, sha256 } = JSON.parse(readFileSync(new URL('chat-reference.json', import.meta.url), 'utf8'));
    let count = 0;
    for (const [file, hashes] of Object.entries(sha256)) {
      const path = fixture(`chat-templates/jinja/${file}`, `the template ${file}`);
      if (!path) continue;
      const template = new Template(readFileSync(path, 'utf8'), file);
      for (const [name, { messages, tools = null, add_generation_prompt = true, variables }] of Object.entries(cases)) {
        const render = () => template.render({
          messages, tools, documents: null, add_generation_prompt, ...special, ...variables, strftime_now: (form) => `2026-03-04 ${form}`,
        });
        if (hashes[name] === null) assert.throws(render, RealizarError, `${file}, ${name}`);
        else assert.equal(createHash('sha256').update(render()).digest('hex'), hashes[name], `${file}, ${name}`);
        count++;
      }
    }
    console.log(`${count} conversations equal to Jinja2's`);
  });

  test('strftime is Python\'s in the C locale', () => {
    const date = new Date(2024, 1, 9, 15, 4, 5);
    assert.equal(strftime(date, '%d %b %Y|%A, %B %e|%Y-%m-%d %H:%M:%S|%y %j %I %p %a|%F %T|100%%|%Q'),
      '09 Feb 2024|Friday, February  9|2024-02-09 15:04:05|24 040 03 PM Fri|2024-02-09 15:04:05|100%|%Q');
  });

  test('have Python\'s string methods with their arguments', () => {
    const render = (source) => new Template(source, 'T').render({ t: '\n\n x-y \n' });
    assert.equal(render("[{{ t.strip('\\n') }}][{{ t.lstrip() }}][{{ t.rstrip(' \\n') }}][{{ t.strip() }}]"), '[ x-y ][x-y \n][\n\n x-y][x-y]');
    assert.equal(render("{{ 'ab'.removeprefix('a') }} {{ 'ab'.removesuffix('b') }} {{ 'ab'.find('b') }} {{ 'ab'.find('c') }} {{ ['ab'][0].upper() }}"), 'b a 1 -1 AB');
  });

  test('that are wrong or hostile are refused in a sentence with the line', () => {
    const cases = [
      ['a\n{% if x %}\n{{ y }', 'FORMAT', 'T cannot be read in line 3: Parser Error: Expected closing expression token. CloseCurlyBracket !== CloseExpression.'],
      ['{% if a %}\n\n{{ b }}', 'FORMAT', 'T cannot be read in line 3: it ends too early'],
      ['{# a\n #}\n{{ "}}{%" ~ "\\q" }}', 'FORMAT', 'T cannot be read in line 3: Unexpected escaped character: q'],
      [`{{ ${'('.repeat(1e5)}`, 'FORMAT', 'T cannot be read in line 1: it is nested too deeply or makes a text that is too long'],
      ['x\n{% generation %}{{ foo(3) }}{% endgeneration %}', 'FORMAT', 'T failed in line 2: Cannot call something that is not a function: got UndefinedValue'],
      ['\n\n{% for m in [1, 2] %}\n{{ raise_exception("no " ~ m) }}{% endfor %}', 'ARGUMENT', 'T refuses these messages in line 4: no 1'],
      ['{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}', 'FORMAT', 'T failed in line 1: it does not come to an end'],
      ['{% for i in range(1000000000) %}{% endfor %}', 'FORMAT', 'T failed in line 1: range(0, 1000000000, 1) has no end or more than 100000 numbers'],
      ['{% set n = namespace(x="0123456789") %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}', 'FORMAT', 'T failed in line 1: it makes a text of more than 16777216 characters'],
      ['x'.repeat(262145), 'FORMAT', 'T has 262145 characters: at most 262144 are read'],
      [' '.repeat(1025), 'FORMAT', 'T has more than 1024 blanks in a row'],
    ];
    for (const [source, code, message] of cases) {
      const start = performance.now();
      assert.throws(() => new Template(source, 'T').render({}), { code, message });
      assert.ok(performance.now() - start < 30_000, message);
    }
    assert.throws(() => new Template('{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'T').render({}), { code: 'FORMAT', message: /^T failed in line 1: / });
  });

  test('of any bytes render or are refused by a RealizarError', () => {
    const pieces = fc.constantFrom('{{', '}}', '{%', '%}', '{#', '#}', '{%-', '-%}', ' ', '\n', '"', "'", '\\', '(', ')', '[', ']', '{', '}', '|', '.', ',', '~', '+', '-', '=', '==', ':',
      'if', 'else', 'elif', 'endif', 'for', 'endfor', 'in', 'set', 'endset', 'macro', 'endmacro', 'call', 'endcall', 'filter', 'endfilter', 'break', 'continue', 'is', 'not', 'and', 'generation', 'endgeneration',
      'm', 'messages', 'range', 'namespace', 'loop', 'tojson', 'trim', 'strip', 'split', 'length', '1', '9999999', 'none', 'é', '\ud800', '\0');
    let read = 0;
    fc.assert(fc.property(fc.array(fc.oneof(pieces, fc.constantFrom('{{ m }}', '{% for m in messages %}', '{% endfor %}', '{% if m %}', '{% endif %}', '{% set m = messages %}')), { maxLength: 30 }), (parts) => {
      try {
        const text = new Template(parts.join(' '), 'T').render({ messages: [{ role: 'user', content: 'x' }] });
        read += typeof text === 'string';
      } catch (error) {
        assert.ok(error instanceof RealizarError, String(error?.stack));
      }
    }), { numRuns: 3000 });
    assert.ok(read > 100, `${read} could be read`);
  });
});

describe('known formats', () => {
  const written = {
    'phi-4': '<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>U1<|im_end|><|im_start|>assistant<|im_sep|>A1<|im_end|><|im_start|>user<|im_sep|>U2<|im_end|><|im_start|>assistant<|im_sep|>',
    chatml: '<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n<|im_start|>user\nU2<|im_end|>\n<|im_start|>assistant\n',
    'llama-3': '<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU1<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nA1<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU2<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    gemma: '<s><start_of_turn>user\nS\n\nU1<end_of_turn>\n<start_of_turn>model\nA1<end_of_turn>\n<start_of_turn>user\nU2<end_of_turn>\n<start_of_turn>model\n',
    'phi-3': '<|system|>\nS<|end|>\n<|user|>\nU1<|end|>\n<|assistant|>\nA1<|end|>\n<|user|>\nU2<|end|>\n<|assistant|>\n',
    deepseek: '<s>S<｜User｜>U1<｜Assistant｜>A1</s><｜User｜>U2<｜Assistant｜>',
    granite: '<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U1<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>A1<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U2<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>',
    'command-r': '<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>U1<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A1<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>U2<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>',
    'glm-4': '[gMASK]<sop><|system|>\nS<|user|>\nU1<|assistant|>\nA1<|user|>\nU2<|assistant|>',
    zephyr: '<|system|>\nS</s>\n<|user|>\nU1</s>\n<|assistant|>\nA1</s>\n<|user|>\nU2</s>\n<|assistant|>\n',
    mistral: '<s>[INST] S\n\nU1 [/INST]A1</s> [INST] U2 [/INST]',
    'llama-2': '<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST] A1 </s><s>[INST] U2 [/INST]',
    vicuna: '<s>S\n\nUSER: U1 ASSISTANT: A1</s>USER: U2 ASSISTANT:',
    alpaca: 'S\n\n### Instruction:\nU1\n\n### Response:\nA1\n\n### Instruction:\nU2\n\n### Response:\n',
    plain: 'S\n\nUser: U1\nAssistant: A1\nUser: U2\nAssistant:',
  };

  test('write what their models were trained on', () => withVocabulary({}, async (model) => {
    assert.deepEqual(Object.keys(written).sort(), Object.keys(formats).sort());
    for (const [template, expected] of Object.entries(written)) {
      assert.equal(await model.applyChatTemplate(talk, { template }), expected, template);
    }
  }));

  test('equal the recorded texts of their templates', () => {
    const path = fixture('chat-templates/cases.json', 'recorded chat templates');
    if (!path) return;
    const recorded = JSON.parse(readFileSync(path, 'utf8'));
    const special = JSON.parse(readFileSync(fixture('chat-templates/bos_eos.json', 'recorded chat templates'), 'utf8'));
    let count = 0;
    for (const [name, format] of Object.entries({ chatml: 'chatml', llama2: 'llama-2', llama3: 'llama-3', gemma: 'gemma', phi3: 'phi-3', mistral: 'mistral' })) {
      for (const { messages, add_generation_prompt, expected, raises } of recorded[name].cases) {
        if (raises || (name === 'phi3' && !add_generation_prompt)) continue; // that template ends finished ones by its EOS
        assert.equal(new Template(formats[format].template, format).render({ messages, add_generation_prompt, ...special[name] }), expected);
        count++;
      }
    }
    assert.equal(count, 33);
  });

  test('are detected by the special tokens of the vocabulary', async () => {
    const found = {};
    for (const [name, { tokens }] of Object.entries(formats)) {
      if (tokens.length) found[name] = await withVocabulary({ control: tokens }, (model) => model.chatFormat());
    }
    assert.deepEqual(found, Object.fromEntries(Object.keys(found).map((name) => [name, name])));
    assert.equal(Object.keys(found).length, 11);
    const userDefined = { control: formats['phi-3'].tokens, type: 4 };
    assert.equal(await withVocabulary(userDefined, (model) => model.chatFormat()), 'phi-3');
    for (const control of [[], ['<|im_start|>'], ['<|user|>']]) assert.equal(await withVocabulary({ control }, (model) => model.chatFormat()), null);
  });

  test('are detected by the model\'s name where they have no tokens', async () => {
    const names = {
      'LLaMA v2 7B chat': null, 'Llama-2-7b-chat-hf': 'llama-2', 'CodeLlama 7B Instruct': 'llama-2', 'Mistral-7B-Instruct-v0.1': 'mistral',
      'Mixtral 8x7B Instruct': 'mistral', 'Mistral-7B-v0.1': null, 'zephyr-7b-beta': 'zephyr', 'TinyLlama-1.1B-Chat-v1.0': 'zephyr',
      'vicuna-13b-v1.5': 'vicuna', 'alpaca-native': 'alpaca', 'stories': null,
    };
    const found = {};
    for (const name of Object.keys(names)) {
      found[name] = await withVocabulary({ metadata: { 'general.name': name } }, (model) => model.chatFormat());
    }
    assert.deepEqual(found, names);
    assert.equal(await withVocabulary({ metadata: { 'general.finetune': 'Alpaca' } }, (model) => model.chatFormat()), 'alpaca');
  });

  test('the file\'s own template comes first, and its variants have names', async () => {
    const metadata = {
      'tokenizer.chat_template': 'own {{ messages[0].content }}{% if add_generation_prompt %} >{% endif %}',
      'tokenizer.chat_template.tool_use': '{{ tools | tojson }}',
      'tokenizer.chat_template.rag': 'rag {{ question }}',
    };
    await withVocabulary({ control: formats.chatml.tokens, metadata }, async (model) => {
      const one = [{ role: 'user', content: 'x' }];
      const tools = [{ type: 'function', function: { name: 'f' } }];
      assert.equal(await model.chatFormat(), 'template');
      assert.equal(await model.applyChatTemplate(one), 'own x >');
      assert.equal(await model.applyChatTemplate(one, { addGenerationPrompt: false }), 'own x');
      assert.equal(await model.applyChatTemplate(one, { tools }), '[{"type": "function", "function": {"name": "f"}}]');
      assert.equal(await model.applyChatTemplate(one, { template: 'rag', variables: { question: 'why' } }), 'rag why');
      assert.equal(await model.applyChatTemplate(one, { template: 'plain' }), 'User: x\nAssistant:');
      assert.equal(await model.applyChatTemplate(one, { template: '{{ bos_token }}{{ eos_token }}{{ messages | length }}' }), '<s></s>1');
      await rejectsWith(model.applyChatTemplate(one, { template: 'nope' }), 'ARGUMENT',
        `there is no chat template 'nope': there are tool_use, rag, ${Object.keys(formats).join(', ')}`);
      await rejectsWith(model.applyChatTemplate(one, { template: 'plain', tools }), 'ARGUMENT', "the chat format 'plain' has no place for tools");
    });
  });
});

describe('messages', () => {
  test('may have text parts and tool calls', () => withVocabulary({ control: formats.chatml.tokens }, async (model) => {
    const parts = [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }];
    assert.equal(await model.applyChatTemplate(parts, { addGenerationPrompt: false }), '<|im_start|>user\na\nb<|im_end|>\n');
    const call = { role: 'assistant', content: null, tool_calls: [{ id: '1', function: { name: 'f', arguments: '{"x": 1}' } }] };
    const template = '{{ messages[0].tool_calls[0].function.arguments.x + 1 }}{{ messages[0].content is none }}{{ messages[0].mark }}';
    assert.equal(await model.applyChatTemplate([{ ...call, mark: '!' }], { template }), '2true!');
  }));

  test('that cannot be are refused in a sentence', () => withVocabulary({ control: formats.chatml.tokens }, async (model) => {
    const refused = [
      [[], 'the conversation is empty: give it a message'],
      ['hi', 'the conversation is empty: give it a message'],
      [[{ content: 'x' }], 'message 1 has no role: it must be system, user, assistant, tool'],
      [[null], 'message 1 has no role: it must be system, user, assistant, tool'],
      [[talk[1], { role: 'robot', content: 'x' }], "message 2 has the role 'robot': it must be system, user, assistant or tool"],
      [[{ role: 'user' }], 'message 1 (user) has no content: give it a text'],
      [[{ role: 'user', content: 7 }], 'message 1 (user) has no content: give it a text'],
      [[{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: {} }] }], "message 1 (user) has a part of type 'image_url': models read text only here"],
      [[{ role: 'user', content: [{ type: 'text' }] }], 'message 1 (user) has a text part without text'],
    ];
    for (const [messages, message] of refused) await rejectsWith(model.chat(messages), 'ARGUMENT', message);
    assert.equal(await model.applyChatTemplate([{ role: 'robot', content: 'x' }], { template: "{% if messages[0].role == 'robot' %}beep{% endif %}" }), 'beep');
  }));

  test('get one BOS, whether the template writes it or not', async () => {
    const [bos, start] = [1, 3];
    for (const [addBos, template, first] of [
      [true, '{{ bos_token }}<|im_start|>x', [bos, start]], [true, '{# #}<|im_start|>x', [bos, start]],
      [false, '{{ bos_token }}<|im_start|>x', [bos, start]], [false, '{# #}<|im_start|>x', [start]],
      [undefined, '{{ bos_token }}<|im_start|>x', [bos, start]],
    ]) {
      await withVocabulary({ control: formats.chatml.tokens, addBos }, async (model) => {
        const { ids } = await new ChatPrompter(model).prompt(talk, { template });
        assert.deepEqual(ids.slice(0, first.length), first, `${addBos}, ${template}`);
        assert.equal(ids.filter((id) => id === bos).length, first.filter((id) => id === bos).length);
      });
    }
  });
});

for (const { name, options } of modes) {
  describe(`a conversation (${name})`, () => {
    const file = randomLlama({ ...small, control: chatml, metadata: { 'tokenizer.ggml.add_bos_token': ['bool', true] } });
    const settings = { temperature: 0, maxTokens: 12 };

    test('answers as generate does on the rendered prompt, and streams the same', () => withModel(file, options, async (model) => {
      const messages = [{ role: 'user', content: 'Hello you' }];
      const prompt = await model.applyChatTemplate(messages);
      const plain = await model.generate(prompt, { ...settings, parseSpecial: true });
      const { message, ...result } = await model.chat(messages, settings);
      assert.deepEqual(message, { role: 'assistant', content: plain.text });
      assert.deepEqual(result.tokens, plain.tokens);
      assert.equal(result.timings.promptTokens, plain.timings.promptTokens);
      assert.equal(result.timings.cachedTokens, 0);
      const pieces = [];
      for await (const piece of model.chatStream(messages, settings)) pieces.push(piece);
      assert.equal(pieces.join(''), plain.text);
      const events = [];
      for await (const { id } of model.chatEvents(messages, settings)) events.push(id);
      assert.deepEqual(events, plain.tokens);
    }));

    test('computes only what is new, and gives the same bits', () => withModel(file, options, async (model) => {
      const turns = ['Hello you', 'And then?', 'Go on, please.', 'A much longer message than those before, to make the context grow beyond its first size.'];
      const messages = [{ role: 'system', content: 'Be nice.' }];
      const prompter = new ChatPrompter(model);
      let held = [];
      let room = 0;
      /* what the KV cache must have given: the common prefix, but for one token, in a context that need not grow */
      const check = async (conversation, options) => {
        const { ids } = await prompter.prompt(conversation, {});
        const result = await model.chat(conversation, options);
        const common = held.findIndex((id, i) => id !== ids[i]);
        const grows = ids.length + settings.maxTokens > room;
        if (grows) room = Math.min(512, 2 ** Math.ceil(Math.log2(ids.length + settings.maxTokens)));
        assert.equal(result.timings.promptTokens, ids.length);
        assert.equal(result.timings.cachedTokens, grows ? 0 : Math.min(common < 0 ? held.length : common, ids.length - 1));
        assert.equal(result.finishReason, 'length');
        held = [...ids, ...result.tokens.slice(0, -1)]; // the last one was sampled, not computed
        const fresh = await model.chat(conversation, { ...options, cachePrompt: false });
        assert.deepEqual(result.tokens, fresh.tokens);
        assert.equal(fresh.timings.cachedTokens, 0);
        return result;
      };
      let cached = 0;
      for (const [i, content] of turns.entries()) {
        messages.push({ role: 'user', content });
        const { message, timings } = await check(messages, { ...settings, temperature: 0.9, seed: i });
        cached += timings.cachedTokens > 20;
        messages.push(message);
      }
      assert.ok(cached >= 1, 'no turn found its conversation in the cache');
      await check(messages.slice(0, -1), settings);
      await check(messages.slice(0, 2), settings);
      await check([{ role: 'user', content: 'Quite another one' }], settings);
    }));

    test('goes on after an abort, and overlapping ones do not mix', () => withModel(file, options, async (model) => {
      const messages = [{ role: 'user', content: 'Hello you' }];
      const alone = await model.chat(messages, settings);
      const reason = new Error('enough');
      const controller = new AbortController();
      await assert.rejects(async () => {
        for await (const piece of model.chatStream(messages, { ...settings, maxTokens: 300, signal: controller.signal })) if (piece) controller.abort(reason);
      }, reason);
      for await (const piece of model.chatStream(messages, settings)) if (piece) break;
      const other = [{ role: 'user', content: 'Something else' }];
      const others = await model.chat(other, { ...settings, cachePrompt: false });
      const both = await Promise.all([model.chat(messages, settings), model.chat(other, settings), model.chat(messages, settings)]);
      assert.deepEqual(both.map((r) => r.tokens), [alone.tokens, others.tokens, alone.tokens]);
    }));

    test('says in a sentence when the context is full', () => withModel(file, { ...options, contextSize: 64 }, async (model) => {
      await assert.rejects(model.chat([{ role: 'user', content: 'word '.repeat(60) }]),
        { code: 'CONTEXT', message: /^the prompt has \d+ tokens, the context holds 64: shorten it or raise contextSize$/ });
      assert.equal((await model.chat([{ role: 'user', content: 'Hi' }], { temperature: 0 })).finishReason, 'length');
    }));
  });
}

test('an answer ends at the end of turn: by metadata, by the vocabulary, by the format\'s text', async () => {
  const messages = [{ role: 'user', content: 'Hello you' }];
  const settings = { temperature: 0, maxTokens: 20 };
  const options = { backend: 'wasm', threads: 1 };
  const template = '<|im_start|>{{ messages[0].content }}';
  const answer = (file) => withModel(randomLlama({ ...small, ...file }), options, (model) => model.chat(messages, { ...settings, template }));
  const start = { 350: '<|im_start|>' };
  const whole = await answer({ control: start });
  assert.equal(whole.tokens.length, 20);
  const at = whole.tokens.findIndex((id, i) => i >= 3 && whole.tokens.indexOf(id) === i);
  const id = whole.tokens[at];
  const files = {
    eot_token_id: { control: start, metadata: { 'tokenizer.ggml.eot_token_id': ['u32', id] } },
    eom_token_id: { control: start, metadata: { 'tokenizer.ggml.eom_token_id': ['u32', id] } },
    ...Object.fromEntries(['<|im_end|>', '<|eot_id|>', '<|eom_id|>', '<end_of_turn>', '<|end|>', '<|endoftext|>', '<|end_of_text|>']
      .map((token) => [token, { control: { ...start, [id]: token } }])),
  };
  for (const [what, file] of Object.entries(files)) {
    const result = await answer(file);
    assert.equal(result.finishReason, 'stop', what);
    assert.deepEqual(result.tokens, whole.tokens.slice(0, at), what);
  }
  const word = whole.text.trim().split(' ')[3];
  const stopped = await withModel(randomLlama({ ...small, control: start }), options, (model) => model.chat(messages, { ...settings, template, stop: word }));
  assert.equal(stopped.text, whole.text.slice(0, whole.text.indexOf(word)));
});

test('a model that tells stories says that it was not made for conversations, and takes a format', () => withModel(shippedModel, {}, async (model) => {
  assert.equal(await model.chatFormat(), null);
  await rejectsWith(model.chat([{ role: 'user', content: 'Hello' }]), 'UNSUPPORTED', 'this model was not made for conversations: its file has no chat '
    + "template, and its vocabulary no tokens of a known chat format; continue texts with generate, or choose a format with the option template ('plain', say)");
  const { text, finishReason } = await model.chat([{ role: 'user', content: 'Tell me a story.' }], { template: 'plain', maxTokens: 30, seed: 1 });
  assert.ok(text.length > 0 && ['stop', 'length'].includes(finishReason));
  assert.doesNotMatch(text, /\nUser:/);
}));

test('the Jinja engine travels in one file of the package, with its licence', () => {
  const code = readFileSync(`${root}/dist/chat/jinja.js`, 'utf8');
  assert.match(code, /^\/\*! @huggingface\/jinja:\nMIT License\n/);
  assert.doesNotMatch(code, /^import /m);
});
