/** A story on the page: its first line, the text that streams in behind it, its figures. */
import type { ChatMessage, GenerateOptions, GenerateResult, Model, TokenEvent } from '../dist/index-browser.js';
import { setFact } from './facts.js';
import { byId, megabytes, rate, say, sayFigures, showAlert, whole } from './page.js';

const article = byId('story');
const paragraphs = byId('story-text');
const empty = byId('story-empty');

const figuresEveryMs = 250;

/** What the page says of a generation. */
interface Words {
  reading: string;
  telling: string;
  end: string;
  failed: string;
}

const storyWords: Words = { reading: 'Reading your line', telling: 'Telling', end: 'The end', failed: 'The story could not be told' };
const answerWords: Words = { reading: 'Reading your message', telling: 'Answering', end: 'Answered', failed: 'The message could not be answered' };

/** A turn of a conversation, below the others; its paragraphs are for the caller. */
export function addTurn(speaker: 'You' | 'Model'): HTMLElement {
  const turn = document.createElement('section');
  turn.className = speaker === 'You' ? 'turn asked' : 'turn';
  const head = document.createElement('h3');
  head.textContent = speaker;
  turn.append(head);
  paragraphs.append(turn);
  return turn;
}

export class Story {
  private running?: AbortController;
  /** Where the text goes on, and where its next paragraph will be. */
  private paragraph = document.createElement('p');
  private page: HTMLElement = paragraphs;
  private words = storyWords;
  /** Text that came since the last frame. */
  private added = '';
  private told = '';
  private frame = 0;
  private tokens = 0;
  private firstAt = 0;
  private figuresAt = 0;

  /** `changed` is called when a story begins and when it ends. */
  constructor(private readonly changed: () => void) {}

  get busy(): boolean {
    return this.running !== undefined;
  }

  /** Ends the running story; what it told stays. */
  stop(): void {
    this.running?.abort();
  }

  /** Ends it silently: another one follows, or the text it began with has changed. */
  drop(): void {
    const running = this.running;
    if (!running) return;
    this.running = undefined;
    running.abort();
    this.flush();
    article.setAttribute('aria-busy', 'false');
    this.changed();
  }

  /** The page without a story. */
  clear(): void {
    this.drop();
    article.classList.remove('stale');
    paragraphs.replaceChildren();
    empty.hidden = false;
  }

  /** Marks the story as no longer that of the text in the field. */
  fade(): void {
    article.classList.toggle('stale', paragraphs.hasChildNodes());
  }

  async tell(model: Model, line: string, options: GenerateOptions): Promise<void> {
    await this.run(storyWords, (signal) => model.events(line, { ...options, signal }), () => {
      const first = document.createElement('span');
      first.className = 'first-line';
      first.textContent = line;
      this.page = paragraphs;
      this.paragraph.append(first);
      paragraphs.replaceChildren(this.paragraph);
    });
  }

  /** Answers the last of the messages below the conversation so far; resolves with what was said. */
  async answer(model: Model, messages: ChatMessage[], options: GenerateOptions): Promise<string> {
    await this.run(answerWords, (signal) => model.chatEvents(messages, { ...options, signal }), () => {
      this.page = addTurn('Model');
      this.page.append(this.paragraph);
    });
    return this.told;
  }

  /** Runs a generation and puts its text where `open` made room. */
  private async run(words: Words, start: (signal: AbortSignal) => AsyncGenerator<TokenEvent, GenerateResult>, open: () => void): Promise<void> {
    this.drop();
    this.words = words;
    const mine = (this.running = new AbortController());
    this.begin(open);
    try {
      const events = start(mine.signal);
      for (;;) {
        const next = await events.next();
        if (this.running !== mine) return;
        if (next.done) return this.end(next.value);
        this.add(next.value);
      }
    } catch (error) {
      if (this.running !== mine) return;
      this.fail(error, mine.signal.aborted);
    }
  }

  private begin(open: () => void): void {
    this.tokens = this.firstAt = this.figuresAt = 0;
    this.added = this.told = '';
    article.classList.remove('stale');
    article.setAttribute('aria-busy', 'true');
    this.paragraph = document.createElement('p');
    open();
    empty.hidden = true;
    setFact('speed', '–');
    say('reading', this.words.reading);
    article.scrollTop = article.scrollHeight;
    this.changed();
  }

  /** Tokens may come faster than frames: text is put on the page once per frame. */
  private add({ text }: TokenEvent): void {
    const now = performance.now();
    if (this.tokens++ === 0) {
      this.firstAt = now;
      say('telling', this.words.telling);
    }
    this.added += this.words === answerWords && !this.told.trim() ? text.trimStart() : text;
    this.told += text;
    if (text && !this.frame) this.frame = requestAnimationFrame(() => this.flush());
    if (now - this.figuresAt >= figuresEveryMs) {
      this.figuresAt = now;
      sayFigures(this.figures(now));
    }
  }

  private figures(now: number): string {
    const seconds = (now - this.firstAt) / 1000;
    const perSecond = seconds > 0.05 ? (this.tokens - 1) / seconds : 0;
    if (perSecond) setFact('speed', `${rate(perSecond)} tok/s`);
    return `${whole(this.tokens)} ${this.tokens === 1 ? 'token' : 'tokens'}${perSecond ? `, ${rate(perSecond)} tok/s` : ''}`;
  }

  private flush(): void {
    if (this.frame) cancelAnimationFrame(this.frame);
    this.frame = 0;
    const atEnd = article.scrollTop + article.clientHeight >= article.scrollHeight - 8;
    const [rest, ...lines] = this.added.split('\n');
    this.added = '';
    if (rest) this.paragraph.append(rest);
    for (const text of lines) this.addParagraph(text);
    if (atEnd) article.scrollTop = article.scrollHeight; // a conversation scrolls in its place
  }

  /** A line feed begins a paragraph; one that has no text yet is used again. */
  private addParagraph(text: string): void {
    if (this.paragraph.hasChildNodes()) {
      this.paragraph = document.createElement('p');
      this.page.append(this.paragraph);
    }
    if (text) this.paragraph.append(text);
  }

  private close(): void {
    this.running = undefined;
    this.flush();
    paragraphs.normalize();
    article.setAttribute('aria-busy', 'false');
    this.changed();
  }

  private end({ timings: t, finishReason }: GenerateResult): void {
    this.close();
    const told = t.decodeTokensPerSecond ? `, told ${rate(t.decodeTokensPerSecond)}` : '';
    setFact('speed', `read ${rate(t.prefillTokensPerSecond)}${told} tok/s`);
    setFact('memory', `${megabytes(t.memoryBytes)} MB`);
    const count = `${whole(t.generatedTokens)} tokens in ${(t.totalMs / 1000).toFixed(1)} s`;
    say('told', finishReason === 'stop' ? this.words.end : 'Length reached', count);
  }

  private fail(error: unknown, stopped: boolean): void {
    const figures = this.tokens ? this.figures(performance.now()) : '';
    this.close();
    say('stopped', 'Stopped', figures);
    if (!stopped) showAlert(this.words.failed, error);
  }
}
