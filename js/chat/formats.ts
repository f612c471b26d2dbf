/**
 * Chat formats in wide use, as Jinja: for files that carry no template of their own. Which one a
 * model speaks shows in its special tokens, or where a format has none, in the model's name.
 */

export interface Format {
  /** Texts that are tokens of their own in the vocabularies of this format; all of them. */
  tokens: string[];
  /** The model's name where the format has no tokens of its own. */
  named?: RegExp;
  /** Ends of a turn that may be plain text. */
  stop: string[];
  template: string;
}

/** A system message at the head goes into the first user message: `turns` begins behind it. */
const systemIntoFirst = `{% set turns = messages %}{% set system = '' %}
{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set turns = messages[1:] %}{% endif %}`;

/** The content of a turn, with the system message in front of the first one's. */
const withSystem = "((system + '\\n\\n') if system and loop.first else '') + m.content";

/** A turn per message: what stands before its content, and behind. */
function turns(before: string, after: string, prompt: string, start = ''): string {
  return `${start}{% for m in messages %}{{ ${before} + m.content + ${after} }}{% endfor %}{% if add_generation_prompt %}{{ ${prompt} }}{% endif %}`;
}

/** In order: the first whose tokens are all there, then the first with such a name. */
export const formats: Record<string, Format> = {
  'phi-4': {
    tokens: ['<|im_start|>', '<|im_sep|>', '<|im_end|>'],
    stop: ['<|im_end|>'],
    template: turns("'<|im_start|>' + m.role + '<|im_sep|>'", "'<|im_end|>'", "'<|im_start|>assistant<|im_sep|>'"),
  },
  chatml: {
    tokens: ['<|im_start|>', '<|im_end|>'],
    stop: ['<|im_end|>'],
    template: turns("'<|im_start|>' + m.role + '\\n'", "'<|im_end|>\\n'", "'<|im_start|>assistant\\n'"),
  },
  'llama-3': {
    tokens: ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
    stop: ['<|eot_id|>'],
    template: `{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}`,
  },
  gemma: {
    tokens: ['<start_of_turn>', '<end_of_turn>'],
    stop: ['<end_of_turn>'],
    template: `${systemIntoFirst}
{{ bos_token }}{% for m in turns %}
{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + (${withSystem}) | trim + '<end_of_turn>\\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}`,
  },
  'phi-3': {
    tokens: ['<|user|>', '<|assistant|>', '<|end|>'],
    stop: ['<|end|>'],
    template: turns("'<|' + m.role + '|>\\n'", "'<|end|>\\n'", "'<|assistant|>\\n'"),
  },
  deepseek: {
    tokens: ['<\uff5cUser\uff5c>', '<\uff5cAssistant\uff5c>'],
    stop: ['<\uff5cend\u2581of\u2581sentence\uff5c>'],
    template: `{{ bos_token }}{% for m in messages %}
{% if m.role == 'user' %}{{ '<\uff5cUser\uff5c>' + m.content }}
{%- elif m.role == 'assistant' %}{{ '<\uff5cAssistant\uff5c>' + m.content + eos_token }}
{%- else %}{{ m.content }}{% endif %}{% endfor %}
{% if add_generation_prompt %}{{ '<\uff5cAssistant\uff5c>' }}{% endif %}`,
  },
  granite: {
    tokens: ['<|start_of_role|>', '<|end_of_role|>'],
    stop: ['<|end_of_text|>'],
    template: turns("'<|start_of_role|>' + m.role + '<|end_of_role|>'", "'<|end_of_text|>\\n'", "'<|start_of_role|>assistant<|end_of_role|>'"),
  },
  'command-r': {
    tokens: ['<|START_OF_TURN_TOKEN|>', '<|END_OF_TURN_TOKEN|>', '<|USER_TOKEN|>', '<|CHATBOT_TOKEN|>'],
    stop: ['<|END_OF_TURN_TOKEN|>'],
    template: turns("'<|START_OF_TURN_TOKEN|>' + {'user': '<|USER_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>'}.get(m.role, '<|SYSTEM_TOKEN|>')",
      "'<|END_OF_TURN_TOKEN|>'", "'<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>'", '{{ bos_token }}'),
  },
  'glm-4': {
    tokens: ['[gMASK]', '<sop>', '<|user|>', '<|assistant|>'],
    stop: ['<|user|>'],
    template: turns("'<|' + m.role + '|>\\n'", "''", "'<|assistant|>'", '[gMASK]<sop>'),
  },
  zephyr: {
    tokens: ['<|user|>', '<|assistant|>', '<|system|>'],
    named: /zephyr|tinyllama.*chat/i,
    stop: ['<|user|>'],
    template: turns("'<|' + m.role + '|>\\n'", "eos_token + '\\n'", "'<|assistant|>\\n'"),
  },
  mistral: {
    tokens: ['[INST]', '[/INST]'],
    named: /mi[sx]tral.*instruct/i,
    stop: ['[INST]'],
    template: `${systemIntoFirst}
{{ bos_token }}{% for m in turns %}
{% if m.role == 'user' %}{{ '[INST] ' + (${withSystem}) + ' [/INST]' }}
{%- else %}{{ m.content + eos_token + ' ' }}{% endif %}{% endfor %}`,
  },
  'llama-2': {
    tokens: [],
    named: /llama.?2.*chat|codellama.*instruct/i,
    stop: ['[INST]'],
    template: `${systemIntoFirst}
{% for m in turns %}
{% if m.role == 'user' %}{{ bos_token + '[INST] ' + (('<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' if system and loop.first else '') + m.content) | trim + ' [/INST]' }}
{%- else %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% endif %}{% endfor %}`,
  },
  vicuna: {
    tokens: [],
    named: /vicuna/i,
    stop: ['USER:'],
    template: `{{ bos_token }}{% for m in messages %}
{% if m.role == 'user' %}{{ 'USER: ' + m.content + ' ' }}
{%- elif m.role == 'assistant' %}{{ 'ASSISTANT: ' + m.content + eos_token }}
{%- else %}{{ m.content + '\\n\\n' }}{% endif %}{% endfor %}
{% if add_generation_prompt %}ASSISTANT:{% endif %}`,
  },
  alpaca: {
    tokens: [],
    named: /alpaca/i,
    stop: ['### Instruction:'],
    template: `{% for m in messages %}
{% if m.role == 'user' %}{{ '### Instruction:\\n' + m.content + '\\n\\n' }}
{%- elif m.role == 'assistant' %}{{ '### Response:\\n' + m.content + '\\n\\n' }}
{%- else %}{{ m.content + '\\n\\n' }}{% endif %}{% endfor %}
{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}`,
  },
  plain: {
    tokens: [],
    stop: ['\nUser:'],
    template: `{% for m in messages %}
{% if m.role == 'user' %}{{ 'User: ' + m.content + '\\n' }}
{%- elif m.role == 'assistant' %}{{ 'Assistant:' + (' ' if m.content[0] != ' ' else '') + m.content + '\\n' }}
{%- else %}{{ m.content + '\\n\\n' }}{% endif %}{% endfor %}
{% if add_generation_prompt %}Assistant:{% endif %}`,
  },
};

/** The format of a model: by the tokens that `has` finds, then by its name; null: none is known. */
export async function detectFormat(has: (token: string) => Promise<boolean>, name: string): Promise<string | null> {
  const known = new Map<string, boolean>();
  const found = async (token: string) => {
    if (!known.has(token)) known.set(token, await has(token));
    return known.get(token)!;
  };
  const complete = async ({ tokens }: Format) => {
    for (const token of tokens) if (!(await found(token))) return false;
    return tokens.length > 0;
  };
  for (const [format, description] of Object.entries(formats)) {
    if (await complete(description)) return format;
  }
  return Object.keys(formats).find((format) => formats[format]!.named?.test(name)) ?? null;
}
