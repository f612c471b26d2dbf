/** Messages to a prompt: which template, what it is given, what is refused beforehand. */
import { RealizarError } from '../errors.js';
import type { ChatMessage, ChatTemplateOptions, Model } from '../types.js';
import { detectFormat, formats } from './formats.js';
import { Template } from './template.js';

export interface Prompt {
  text: string;
  ids: number[];
  /** Texts that end the answer besides the vocabulary's end tokens. */
  stop: string[];
}

interface Choice {
  source: string;
  /** How errors call it. */
  name: string;
  stop: string[];
}

const fileKey = 'tokenizer.chat_template';
const knownRoles = ['system', 'user', 'assistant', 'tool'];

function refuse(message: string): never {
  throw new RealizarError('ARGUMENT', message);
}

/** The text of a content; its parts are joined by line feeds, and only text parts are understood. */
function contentOf(content: unknown, where: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) refuse(`${where} has no content: give it a text`);
  return content.map((part: { type?: unknown; text?: unknown }) => {
    if (part?.type !== 'text') refuse(`${where} has a part of type '${String(part?.type)}': models read text only here`);
    if (typeof part.text !== 'string') refuse(`${where} has a text part without text`);
    return part.text;
  }).join('\n');
}

/** Arguments that came as JSON text become the object that templates expect. */
function toolCallOf(call: unknown): unknown {
  const { function: f, ...rest } = (call ?? {}) as { function?: { arguments?: unknown } };
  if (typeof f?.arguments !== 'string') return call;
  try {
    return { ...rest, function: { ...f, arguments: JSON.parse(f.arguments) as unknown } };
  } catch {
    return call;
  }
}

/** A message as templates read it. */
function messageOf(message: ChatMessage, index: number, source: string): Record<string, unknown> {
  const { role, content, tool_calls: calls, ...rest } = message ?? {};
  if (typeof role !== 'string') refuse(`message ${index + 1} has no role: it must be ${knownRoles.join(', ')}`);
  if (!knownRoles.includes(role) && !source.includes(`'${role}'`) && !source.includes(`"${role}"`)) {
    refuse(`message ${index + 1} has the role '${role}': it must be ${knownRoles.slice(0, -1).join(', ')} or ${knownRoles.at(-1)}`);
  }
  const where = `message ${index + 1} (${role})`;
  const bare = calls?.length && (content === null || content === undefined);
  return {
    ...rest, role, content: bare ? content : contentOf(content, where),
    ...(calls ? { tool_calls: calls.map(toolCallOf) } : {}),
  };
}

/** The chat side of one model: knows its template, remembers the one it read last. */
export class ChatPrompter {
  private last?: { source: string; template: Template };
  private detected?: Promise<string | null>;

  constructor(private readonly model: Model) {}

  private metadataText(key: string): string | undefined {
    const value = this.model.info.metadata[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  /** `template` where the file carries one, else the name of a known format, else null. */
  format(): Promise<string | null> {
    this.detected ??= this.metadataText(fileKey) !== undefined ? Promise.resolve('template') : this.detect();
    return this.detected;
  }

  private detect(): Promise<string | null> {
    const names = ['general.name', 'general.basename', 'general.finetune'].map((key) => this.metadataText(key) ?? '');
    const has = async (token: string) => {
      const ids = await this.model.tokenize(token, { addSpecial: false, parseSpecial: true });
      return ids.length === 1 && (await this.model.detokenize(ids, { special: true })) === token;
    };
    return detectFormat(has, names.join(' '));
  }

  /** A name is a variant of the file, then a known format; anything with a brace is a template. */
  private async choose({ template, tools }: ChatTemplateOptions): Promise<Choice> {
    if (template !== undefined) {
      if (typeof template !== 'string') refuse('template must be a name or the text of a template');
      const variant = this.metadataText(`${fileKey}.${template}`);
      if (variant !== undefined) return { source: variant, name: `the chat template '${template}' of the file`, stop: [] };
      if (Object.hasOwn(formats, template)) return this.known(template);
      if (template.includes('{')) return { source: template, name: 'the chat template', stop: [] };
      const variants = Object.keys(this.model.info.metadata).filter((k) => k.startsWith(`${fileKey}.`)).map((k) => k.slice(fileKey.length + 1));
      refuse(`there is no chat template '${template}': there are ${[...variants, ...Object.keys(formats)].join(', ')}`);
    }
    const forTools = tools?.length ? this.metadataText(`${fileKey}.tool_use`) : undefined;
    if (forTools !== undefined) return { source: forTools, name: "the chat template 'tool_use' of the file", stop: [] };
    const own = this.metadataText(fileKey);
    if (own !== undefined) return { source: own, name: 'the chat template of the file', stop: [] };
    const detected = await this.format();
    if (detected !== null) return this.known(detected);
    throw new RealizarError('UNSUPPORTED', 'this model was not made for conversations: its file has no chat template, and its vocabulary no tokens '
      + "of a known chat format; continue texts with generate, or choose a format with the option template ('plain', say)");
  }

  private known(name: string): Choice {
    const { template, stop } = formats[name]!;
    return { source: template, name: `the chat format '${name}'`, stop };
  }

  private read({ source, name }: Choice): Template {
    if (this.last?.source !== source) this.last = { source, template: new Template(source, name) };
    return this.last.template;
  }

  private async tokenText(id: number | null): Promise<string> {
    return id === null ? '' : this.model.detokenize([id], { special: true });
  }

  private async specialTokens(): Promise<Record<string, string>> {
    const { bosToken, eosToken, metadata } = this.model.info;
    const id = (key: string) => (typeof metadata[key] === 'number' ? (metadata[key] as number) : null);
    const found: Record<string, string> = { bos_token: await this.tokenText(bosToken), eos_token: await this.tokenText(eosToken) };
    const [unknown, padding] = [id('tokenizer.ggml.unknown_token_id'), id('tokenizer.ggml.padding_token_id')];
    if (unknown !== null) found.unk_token = await this.tokenText(unknown);
    if (padding !== null) found.pad_token = await this.tokenText(padding);
    return found;
  }

  /** The text a conversation becomes, and what ends its answer. */
  async render(messages: ChatMessage[], options: ChatTemplateOptions): Promise<{ text: string; stop: string[] }> {
    if (!Array.isArray(messages) || messages.length === 0) refuse('the conversation is empty: give it a message');
    const choice = await this.choose(options);
    if (options.tools?.length && !/\btools\b/.test(choice.source)) {
      refuse(`${choice.name} has no place for tools`);
    }
    const text = this.read(choice).render({
      ...(await this.specialTokens()),
      messages: messages.map((message, i) => messageOf(message, i, choice.source)),
      tools: options.tools?.length ? options.tools : null,
      documents: null,
      add_generation_prompt: options.addGenerationPrompt ?? true,
      ...options.variables,
    });
    return { text, stop: choice.stop };
  }

  /** The same as token ids: one BOS where the model asks for it, written by the template or not. */
  async prompt(messages: ChatMessage[], options: ChatTemplateOptions): Promise<Prompt> {
    const { text, stop } = await this.render(messages, options);
    const ids = await this.model.tokenize(text, { addSpecial: false, parseSpecial: true });
    const { bosToken } = this.model.info;
    const [first] = await this.model.tokenize('', { addSpecial: true });
    if (bosToken !== null && first === bosToken && ids[0] !== bosToken) ids.unshift(bosToken);
    return { text, ids, stop };
  }
}
