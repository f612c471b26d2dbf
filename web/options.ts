/** The options of a story: temperature, length and seed. */
import type { GenerateOptions, ModelInfo } from '../dist/index-browser.js';
import { byId } from './page.js';

const temperature = byId<HTMLInputElement>('temperature');
const length = byId<HTMLInputElement>('length');
const seed = byId<HTMLInputElement>('seed');
const longest = 1024;

/** The outputs beside the sliders say what the sliders mean. */
function show(): void {
  byId('temperature-shown').textContent = temperature.valueAsNumber.toFixed(2);
  byId('length-shown').textContent = length.value;
}

/** Draws a new seed. */
export function drawSeed(): void {
  seed.valueAsNumber = crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** What the controls say; a seed that is no number is drawn anew. */
export function readOptions(): GenerateOptions {
  const value = seed.valueAsNumber;
  if (!Number.isSafeInteger(value) || value < 0 || value > 0xffffffff) drawSeed();
  return { temperature: temperature.valueAsNumber, maxTokens: length.valueAsNumber, seed: seed.valueAsNumber };
}

/** A story cannot be longer than the model's context. */
export function boundLength({ contextSize }: ModelInfo): void {
  length.max = String(Math.max(16, Math.min(longest, Math.floor(contextSize / 16) * 16)));
  show();
}

/** Calls `changed` when a control was set. */
export function watchOptions(changed: () => void): void {
  for (const input of [temperature, length, seed]) {
    input.addEventListener('input', show);
    input.addEventListener('change', changed);
  }
  drawSeed();
  show();
}
