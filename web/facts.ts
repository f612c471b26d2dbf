/** The card that says what is loaded and how it computes. */
import type { ModelInfo } from '../dist/index-browser.js';
import { megabytes, parameters, whole } from './page.js';

type Fact = 'name' | 'type' | 'variant' | 'threads' | 'memory' | 'context' | 'speed';

export function setFact(fact: Fact, text: string): void {
  document.querySelector(`[data-fact="${fact}"]`)!.textContent = text;
}

/** `name` is shown where the file does not name the model. */
export function showFacts(info: ModelInfo, name: string): void {
  setFact('name', info.name || name);
  setFact('type', `${info.architecture} ${info.type}, ${parameters(info.parameters)} parameters`);
  setFact('variant', info.variant);
  setFact('threads', String(info.threads));
  setFact('memory', `${megabytes(info.memoryBytes)} MB`);
  setFact('context', `${whole(info.contextSize)} tokens`);
  setFact('speed', '–');
}
