/** The page's elements, its state and its alert: what the other modules share. */

/** The element with this id; a missing one is a mistake in index.html. */
export function byId<E extends HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element as E;
}

/** What the page is doing, for the style sheet and for tests. */
export type State = 'starting' | 'loading' | 'ready' | 'reading' | 'telling' | 'told' | 'stopped' | 'empty';

const status = byId('status');
const detail = byId('detail');
const alertBox = byId('alert');

/** Says in a word or two what is going on; screen readers hear the sentence, not the detail. */
export function say(state: State, sentence: string, figures = ''): void {
  document.documentElement.dataset.state = state;
  if (status.textContent !== sentence) status.textContent = sentence;
  detail.textContent = figures;
}

/** Changes the figures beside the sentence. */
export function sayFigures(figures: string): void {
  detail.textContent = figures;
}

export function clearAlert(): void {
  alertBox.replaceChildren();
}

/** Shows what went wrong until it is closed or something works. */
export function showAlert(what: string, error: unknown): void {
  const title = document.createElement('strong');
  title.textContent = what;
  const sentence = document.createElement('p');
  sentence.textContent = sentenceOf(error);
  const close = document.createElement('button');
  close.type = 'button';
  close.className = 'close';
  close.setAttribute('aria-label', 'Close this message');
  close.textContent = '×';
  close.addEventListener('click', clearAlert);
  alertBox.replaceChildren(title, sentence, close);
  alertBox.scrollIntoView({ block: 'nearest' });
}

/** A message as a sentence: capital letter in front, full stop behind. */
export function sentenceOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const capital = /^[a-z]+[ ,]/.test(text) ? text[0]!.toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

const wholeNumbers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** "1,024" */
export function whole(value: number): string {
  return wholeNumbers.format(value);
}

/** Megabytes (10^6 bytes): "0.38", "4.2", "1,203". */
export function megabytes(bytes: number): string {
  const mb = bytes / 1e6;
  return mb >= 100 ? whole(mb) : mb.toFixed(mb < 1 ? 2 : 1);
}

/** Tokens per second: "8.3", "412". */
export function rate(tokensPerSecond: number): string {
  return tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : whole(tokensPerSecond);
}

/** A count of parameters: "260 K", "1.1 B". */
export function parameters(count: number): string {
  for (const [unit, size] of [['B', 1e9], ['M', 1e6], ['K', 1e3]] as const) {
    if (count >= size) return `${count / size >= 100 ? Math.round(count / size) : (count / size).toFixed(1)} ${unit}`;
  }
  return String(count);
}
