/** The conversation with a model that has a chat template: what was said, and the page's words for it. */
import type { ChatMessage, GenerateOptions, Model, ModelInfo } from '../dist/index-browser.js';
import { byId } from './page.js';
import { addTurn, type Story } from './story.js';

/** Texts of the page that differ between a story and a conversation. */
const words: Record<string, { story: string; talk: string }> = {
  headline: { story: 'You write the first line. The page tells the rest.', talk: 'You write a message. The model answers.' },
  'line-label': { story: 'First line', talk: 'Message' },
  'line-hint': { story: 'The story starts when you pause.', talk: 'The model remembers what was said.' },
  tell: { story: 'Tell', talk: 'Send' },
  another: { story: 'Tell another', talk: 'New conversation' },
  'story-empty': { story: 'Your story appears here.', talk: 'Your conversation appears here.' },
};
const labels: Record<string, { story: string; talk: string }> = {
  story: { story: 'The story', talk: 'The conversation' },
};
const storyHint = 'Once upon a time, there was a little fox';

/** Whether a conversation with this model is possible: its file says how. */
export function canTalk({ metadata }: ModelInfo): boolean {
  return typeof metadata['tokenizer.chat_template'] === 'string';
}

export class Talk {
  /** Whether the page converses, rather than telling stories. */
  on = false;
  private messages: ChatMessage[] = [];

  constructor(private readonly story: Story) {}

  get begun(): boolean {
    return this.messages.length > 0;
  }

  /** Makes the page one for conversations or one for stories; what it showed goes. */
  turn(on: boolean): void {
    if (on || this.on) this.clear();
    this.on = on;
    const which = on ? 'talk' : 'story';
    document.documentElement.dataset.mode = which;
    for (const [id, texts] of Object.entries(words)) byId(id).textContent = texts[which];
    for (const [id, texts] of Object.entries(labels)) byId(id).setAttribute('aria-label', texts[which]);
    byId<HTMLInputElement>('line').placeholder = on ? '' : storyHint;
    byId('chips').hidden = on;
  }

  clear(): void {
    this.messages = [];
    this.story.clear();
  }

  /** Sends a message; its answer joins the conversation as far as it came. Without any, the message
   *  is taken back: false. */
  async send(model: Model, text: string, options: GenerateOptions): Promise<boolean> {
    const messages = [...this.messages, { role: 'user', content: text }];
    this.messages = messages;
    const paragraph = document.createElement('p');
    paragraph.textContent = text;
    const turn = addTurn('You');
    turn.append(paragraph);
    const answer = await this.story.answer(model, messages, options);
    if (this.messages !== messages) return true; // a new conversation began meanwhile
    if (answer) {
      this.messages = [...messages, { role: 'assistant', content: answer }];
      return true;
    }
    this.messages = messages.slice(0, -1);
    while (turn.nextSibling) turn.nextSibling.remove();
    turn.remove();
    if (!this.begun) this.story.clear();
    return false;
  }
}
