/** Messages typed at a terminal, or read line by line from what is piped in. */
import { createInterface, type Interface } from 'node:readline';

/** What was typed: a message, Ctrl-C at an empty prompt, or the end of the input. */
export type Typed = { text: string } | 'interrupt' | 'end';

const morePrompt = '… ';
const pasteOn = '\x1b[?2004h';
const pasteOff = '\x1b[?2004l';

/**
 * At a terminal: a line is a message; pasted lines and lines that end with a backslash go on in the
 * next one; the arrow keys go through what was typed. Otherwise every line is a message.
 */
export class Terminal {
  /** Whether somebody types and sees. */
  readonly interactive = Boolean(process.stdin.isTTY && process.stdout.isTTY);
  private readonly lines: Interface;
  private readonly ready: Typed[] = [];
  private wake?: () => void;
  private prompt = '';
  /** Lines of a message that is not complete yet. */
  private begun: string[] = [];
  private pasting = false;

  constructor() {
    this.lines = createInterface({ input: process.stdin, output: this.interactive ? process.stdout : undefined, terminal: this.interactive });
    this.lines.on('line', (line) => this.take(line));
    this.lines.on('close', () => this.deliver('end'));
    if (!this.interactive) return;
    this.lines.on('SIGINT', () => this.interrupt());
    process.stdin.on('keypress', (_, key?: { name?: string }) => {
      if (key?.name === 'paste-start') this.pasting = true;
      if (key?.name === 'paste-end') this.pasting = false;
    });
    process.stdout.write(pasteOn);
    process.on('exit', this.restore);
  }

  /** Terminals keep their modes after a program has ended. */
  private readonly restore = () => void process.stdout.write(pasteOff);

  private deliver(typed: Typed): void {
    this.ready.push(typed);
    this.wake?.();
  }

  private take(line: string): void {
    const goesOn = line.endsWith('\\') && !this.pasting;
    this.begun.push(goesOn ? line.slice(0, -1) : line);
    if (goesOn || this.pasting) {
      if (this.interactive) this.ask(morePrompt);
      return;
    }
    this.deliver({ text: this.begun.join('\n') });
    this.begun = [];
  }

  /** Ctrl-C: away with what was typed; at an empty prompt it is for the caller. */
  private interrupt(): void {
    const empty = this.lines.line === '' && this.begun.length === 0;
    this.begun = [];
    process.stdout.write('\n');
    if (empty) return this.deliver('interrupt');
    this.lines.write(null, { ctrl: true, name: 'e' });
    this.lines.write(null, { ctrl: true, name: 'u' });
    this.ask(this.prompt);
  }

  private ask(prompt: string): void {
    this.lines.setPrompt(prompt);
    this.lines.prompt();
  }

  /** The next message. */
  async read(prompt: string): Promise<Typed> {
    this.prompt = prompt;
    if (this.ready.length === 0 && this.interactive) this.ask(prompt);
    while (this.ready.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.ready[0] === 'end' ? 'end' : this.ready.shift()!;
  }

  /** Runs `work`; at a terminal, Ctrl-C meanwhile aborts its signal instead of ending the program. */
  async interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    if (!this.interactive) return work(controller.signal);
    const abort = () => controller.abort();
    /* the terminal itself turns Ctrl-C into the signal, and keeps what is typed for later */
    this.lines.pause();
    process.stdin.setRawMode(false);
    process.on('SIGINT', abort);
    try {
      return await work(controller.signal);
    } finally {
      process.off('SIGINT', abort);
      process.stdin.setRawMode(true);
      this.lines.resume();
    }
  }

  close(): void {
    this.lines.close();
    if (!this.interactive) return;
    process.off('exit', this.restore);
    this.restore();
  }
}
