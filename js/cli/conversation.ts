/** What `realizar chat` keeps: the messages and the system message, saved and loaded as JSON. */
import { RealizarError } from '../errors.js';
import type { ChatMessage } from '../types.js';

export class Conversation {
  /** All but the system message. */
  turns: ChatMessage[] = [];

  constructor(public system: string) {}

  get messages(): ChatMessage[] {
    return [...(this.system ? [{ role: 'system', content: this.system }] : []), ...this.turns];
  }

  /** {"messages": [...]}, as chat services write it. */
  save(): string {
    return `${JSON.stringify({ messages: this.messages }, null, 2)}\n`;
  }

  /** Takes such a text, or a bare array of messages; `name` is where it came from. */
  load(text: string, name: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new RealizarError('FORMAT', `${name} is not JSON`);
    }
    const list = Array.isArray(value) ? value : (value as { messages?: unknown } | null)?.messages;
    const isMessage = (m: ChatMessage | null) => typeof m?.role === 'string' && typeof m.content === 'string';
    if (!Array.isArray(list) || !list.every(isMessage)) {
      throw new RealizarError('FORMAT', `${name} is no conversation: it must be {"messages": [{"role": "...", "content": "..."}, ...]}`);
    }
    const messages = list as ChatMessage[];
    const first = messages[0]?.role === 'system' ? messages[0] : undefined;
    this.system = (first?.content as string | undefined) ?? '';
    this.turns = first ? messages.slice(1) : messages;
  }

  /** To be read: a paragraph per message. */
  toString(): string {
    return this.messages.map(({ role, content }) => `${role}: ${String(content).trim()}\n`).join('\n');
  }
}
