/** What every model does by means of tokenize and events: whole texts, streams, conversations. */
import type { ChatPrompter } from './chat/render.js';
import { RealizarError } from './errors.js';
import type {
  ChatGeneration, ChatMessage, ChatOptions, ChatResult, ChatTemplateOptions, DetokenizeOptions, EmbedOptions, GenerateOptions,
  GenerateResult, Generation, Model, ModelInfo, Perplexity, PerplexityOptions, TokenizeOptions,
} from './types.js';

/** Imports chat/render.js, which most pages never need; each entry of the package brings its own. */
export type ImportChat = () => Promise<{ ChatPrompter: new (model: Model) => ChatPrompter }>;

async function last<T>(events: AsyncGenerator<unknown, T, void>): Promise<T> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

async function* texts(events: AsyncGenerator<{ text: string }, unknown, void>): AsyncIterableIterator<string> {
  for await (const { text } of events) {
    if (text) yield text;
  }
}

export abstract class BaseModel implements Model {
  abstract readonly info: ModelInfo;
  abstract tokenize(text: string, options?: TokenizeOptions): Promise<number[]>;
  abstract detokenize(ids: ArrayLike<number>, options?: DetokenizeOptions): Promise<string>;
  abstract events(prompt: string | ArrayLike<number>, options?: GenerateOptions): Generation;
  abstract logits(ids: ArrayLike<number>): Promise<Float32Array>;
  abstract embed(input: string | ArrayLike<number>, options?: EmbedOptions): Promise<Float32Array>;
  abstract perplexity(text: string, options?: PerplexityOptions): Promise<Perplexity>;
  abstract predict(features: ArrayLike<number>): Promise<Float32Array>;
  abstract close(): Promise<void>;

  private prompter?: Promise<ChatPrompter>;

  constructor(private readonly importChat?: ImportChat) {}

  generate(prompt: string | ArrayLike<number>, options: GenerateOptions = {}): Promise<GenerateResult> {
    return last(this.events(prompt, options));
  }

  stream(prompt: string | ArrayLike<number>, options: GenerateOptions = {}): AsyncIterableIterator<string> {
    return texts(this.events(prompt, options));
  }

  chat(messages: ChatMessage[], options: ChatOptions = {}): Promise<ChatResult> {
    return last(this.chatEvents(messages, options));
  }

  chatStream(messages: ChatMessage[], options: ChatOptions = {}): AsyncIterableIterator<string> {
    return texts(this.chatEvents(messages, options));
  }

  async *chatEvents(messages: ChatMessage[], options: ChatOptions = {}): ChatGeneration {
    const { template, tools, variables, ...generation } = options;
    options.signal?.throwIfAborted();
    const { ids, stop } = await (await this.chatPrompter()).prompt(messages, { template, tools, variables });
    const result = yield* this.events(ids, { cachePrompt: true, ...generation, stop: [generation.stop ?? [], stop].flat() });
    return { ...result, message: { role: 'assistant', content: result.text } };
  }

  async applyChatTemplate(messages: ChatMessage[], options: ChatTemplateOptions = {}): Promise<string> {
    return (await (await this.chatPrompter()).render(messages, options)).text;
  }

  async chatFormat(): Promise<string | null> {
    return (await this.chatPrompter()).format();
  }

  /** Loaded when first asked for; a failed import is tried again. */
  private chatPrompter(): Promise<ChatPrompter> {
    const { importChat } = this;
    if (!importChat) throw new RealizarError('STATE', 'conversations are rendered on the thread that loaded the model');
    this.prompter ??= importChat().then(({ ChatPrompter }) => new ChatPrompter(this));
    this.prompter.catch(() => (this.prompter = undefined));
    return this.prompter;
  }
}
