/** A story on the page: its first line, the text that streams in behind it, its figures. */
import type { GenerateOptions, GenerateResult, Model, TokenEvent } from '../dist/index-browser.js';
import { setFact } from './facts.js';
import { byId, megabytes, rate, say, sayFigures, showAlert, whole } from './page.js';

const article = byId('story');
const paragraphs = byId('story-text');
const empty = byId('story-empty');

const figuresEveryMs = 250;

export class Story {
  private running?: AbortController;
  /** Where the text goes on. */
  private paragraph = document.createElement('p');
  /** Text that came since the last frame. */
  private added = '';
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
    this.drop();
    const mine = (this.running = new AbortController());
    this.begin(line);
    try {
      const events = model.events(line, { ...options, signal: mine.signal });
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

  private begin(line: string): void {
    this.tokens = this.firstAt = this.figuresAt = 0;
    this.added = '';
    article.classList.remove('stale');
    article.setAttribute('aria-busy', 'true');
    const first = document.createElement('span');
    first.className = 'first-line';
    first.textContent = line;
    this.paragraph = document.createElement('p');
    this.paragraph.append(first);
    paragraphs.replaceChildren(this.paragraph);
    empty.hidden = true;
    setFact('speed', '–');
    say('reading', 'Reading your line');
    this.changed();
  }

  /** Tokens may come faster than frames: text is put on the page once per frame. */
  private add({ text }: TokenEvent): void {
    const now = performance.now();
    if (this.tokens++ === 0) {
      this.firstAt = now;
      say('telling', 'Telling');
    }
    this.added += text;
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
    const [rest, ...lines] = this.added.split('\n');
    this.added = '';
    if (rest) this.paragraph.append(rest);
    for (const text of lines) this.addParagraph(text);
  }

  /** A line feed begins a paragraph; one that has no text yet is used again. */
  private addParagraph(text: string): void {
    if (this.paragraph.hasChildNodes()) {
      this.paragraph = document.createElement('p');
      paragraphs.append(this.paragraph);
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
    say('told', finishReason === 'stop' ? 'The end' : 'Length reached', count);
  }

  private fail(error: unknown, stopped: boolean): void {
    const figures = this.tokens ? this.figures(performance.now()) : '';
    this.close();
    say('stopped', 'Stopped', figures);
    if (!stopped) showAlert('The story could not be told', error);
  }
}
