/** START HERE: puts the page together. The model is in slot.ts, a story in story.ts. */
import { setFact, showFacts } from './facts.js';
import { boundLength, drawSeed, readOptions, watchOptions } from './options.js';
import { byId, clearAlert, say, showAlert, type State } from './page.js';
import { Slot } from './slot.js';
import { loadShipped, type LoadSource, watchSources } from './sources.js';
import { Story } from './story.js';

/** A story starts when nobody has typed for so long. */
const pauseMs = 500;

const examples = [
  'Once upon a time, there was a little fox',
  'Lily found a small red boat',
  'Deep in the forest lived an old bear',
  'One rainy morning, Tom woke up early',
  '“I am not afraid of the dark,” said the mouse',
];

const line = byId<HTMLInputElement>('line');
const tellButton = byId<HTMLButtonElement>('tell');
const stopButton = byId<HTMLButtonElement>('stop');
const anotherButton = byId<HTMLButtonElement>('another');

let timer: ReturnType<typeof setTimeout> | undefined;
let modelName = '';

const story = new Story(showButtons, (text) => setFact('speed', text));
const slot = new Slot({
  starts: showButtons,
  loaded(model) {
    story.drop();
    showFacts(model.info, modelName);
    boundLength(model.info);
    say('ready', 'Ready', 'Type a first line or choose one');
    showButtons();
    if (line.value.trim()) tell();
  },
  ended(model) {
    say(model ? 'ready' : 'empty', model ? 'Ready' : 'No model', model ? 'The model before is still here' : 'Choose a file or a URL');
    showButtons();
  },
});

function showButtons(): void {
  const focused = document.activeElement;
  tellButton.disabled = !slot.model;
  anotherButton.disabled = !slot.model || !line.value.trim();
  stopButton.disabled = !story.busy;
  /* a button that goes off under the focus hands it on */
  if (focused === stopButton && stopButton.disabled) anotherButton.focus();
}

/** Tells the story of the line in the field now. */
function tell(): void {
  clearTimeout(timer);
  const text = line.value.trim();
  if (!slot.model || !text) return;
  clearAlert();
  void story.tell(slot.model, text, readOptions());
}

/** The text changed: the running story ends, and the next one waits for a pause. */
function typed(): void {
  clearTimeout(timer);
  const wasBusy = story.busy;
  story.drop();
  if (!line.value.trim()) {
    story.clear();
    if (slot.model && !slot.busy) say('ready', 'Ready', 'Type a first line or choose one');
  } else {
    story.fade();
    if (wasBusy) say('ready', 'Waiting for a pause');
    timer = setTimeout(tell, pauseMs);
  }
  showButtons();
}

function begin(text: string): void {
  line.value = text;
  showButtons();
  tell();
}

byId('chips').append(...examples.map((text) => {
  const chip = document.createElement('button');
  chip.type = 'button';
  chip.textContent = text;
  chip.addEventListener('click', () => begin(text));
  const item = document.createElement('li');
  item.append(chip);
  return item;
}));

line.addEventListener('input', (event) => {
  if (!(event as InputEvent).isComposing) typed();
});
line.addEventListener('compositionend', typed);
byId('line-form').addEventListener('submit', (event) => {
  event.preventDefault();
  begin(line.value.trim() || line.placeholder);
});
stopButton.addEventListener('click', () => story.stop());
anotherButton.addEventListener('click', () => {
  drawSeed();
  tell();
});
watchOptions(() => {
  if (line.value.trim()) tell();
});

const loadSource: LoadSource = (name, source, bytes) => {
  void slot.load(name, source, bytes).then(() => {});
  modelName = name;
};
watchSources(loadSource);

say('loading', 'Loading');
loadShipped(loadSource).catch((error: unknown) => {
  if (slot.busy || slot.model) return;
  showAlert('Could not load the model of this page', error);
  say('empty' satisfies State, 'No model', 'Choose a file or a URL');
});
