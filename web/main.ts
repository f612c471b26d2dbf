/** START HERE: puts the page together. The model is in slot.ts, a story in story.ts, a
 *  conversation in talk.ts. */
import { showFacts } from './facts.js';
import { boundLength, drawSeed, readOptions, watchOptions } from './options.js';
import { byId, clearAlert, say, showAlert } from './page.js';
import { Slot } from './slot.js';
import { shippedModel, watchSources } from './sources.js';
import { Story } from './story.js';
import { canTalk, Talk } from './talk.js';

/** A story starts when nobody has typed for so long. */
const pauseMs = 500;

const readyHint = () => (talk.on ? 'Type a message' : 'Type a first line or choose one');
const noModelHint = 'Choose a file or give a URL';

const examples = [
  'Lily found a small red boat',
  'Once upon a time, there was a little fox',
  'Deep in the forest lived an old bear',
  'One rainy morning, Tom woke up early',
  '"I am not afraid of the dark," said the mouse',
];

const line = byId<HTMLInputElement>('line');
const tellButton = byId<HTMLButtonElement>('tell');
const stopButton = byId<HTMLButtonElement>('stop');
const anotherButton = byId<HTMLButtonElement>('another');

let timer: ReturnType<typeof setTimeout> | undefined;

const story = new Story(showButtons);
const talk = new Talk(story);
const slot = new Slot({
  starts() {
    story.drop();
    showButtons();
  },
  loaded(model, name) {
    talk.turn(canTalk(model.info));
    showFacts(model.info, name);
    boundLength(model.info);
    say('ready', 'Ready', readyHint());
    showButtons();
    if (line.value.trim() && !talk.on) tell();
  },
  ended(model) {
    say(model ? 'ready' : 'empty', model ? 'Ready' : 'No model', model ? 'The model you had is still in use' : noModelHint);
    showButtons();
  },
});

function showButtons(): void {
  const focused = document.activeElement;
  const ready = slot.model !== undefined && !slot.busy;
  tellButton.disabled = !ready || (talk.on && story.busy);
  anotherButton.disabled = !ready || !(talk.on ? talk.begun : line.value.trim());
  stopButton.disabled = !story.busy;
  /* a button that goes off under the focus hands it on */
  if (focused === stopButton && stopButton.disabled) anotherButton.focus();
}

/** Tells the story of the line in the field now; while a model loads, once it is there. */
function tell(): void {
  clearTimeout(timer);
  const text = line.value.trim();
  if (!slot.model || slot.busy || !text) return;
  clearAlert();
  void story.tell(slot.model, text, readOptions());
}

/** Sends the message in the field, unless an answer is on its way. */
function send(): void {
  const text = line.value.trim();
  if (!slot.model || slot.busy || story.busy || !text) return;
  clearAlert();
  line.value = '';
  void talk.send(slot.model, text, readOptions()).then((answered) => {
    if (!answered && !line.value) line.value = text;
    showButtons();
  });
}

/** The text changed: the running story ends, and the next one waits for a pause. */
function typed(): void {
  if (talk.on) return;
  clearTimeout(timer);
  const wasBusy = story.busy;
  story.drop();
  if (!line.value.trim()) {
    story.clear();
    if (slot.model && !slot.busy) say('ready', 'Ready', readyHint());
  } else {
    story.fade();
    if (wasBusy) say('ready', 'Listening');
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
  if (talk.on) send();
  else begin(line.value.trim() || line.placeholder);
});
stopButton.addEventListener('click', () => story.stop());
anotherButton.addEventListener('click', () => {
  drawSeed();
  if (!talk.on) return tell();
  talk.clear();
  say('ready', 'Ready', readyHint());
  showButtons();
  line.focus();
});
watchOptions(() => {
  if (line.value.trim() && !talk.on) tell();
});

watchSources((...from) => {
  void slot.load(...from);
  byId('bar').scrollIntoView({ block: 'nearest' });
});

/* somebody may have been faster with a model of their own */
const unclaimed = () => !slot.busy && !slot.model;
shippedModel().then(({ name, url, bytes }) => {
  if (unclaimed()) void slot.load(name, url, bytes);
}, (error: unknown) => {
  if (!unclaimed()) return;
  showAlert('Could not load the model of this page', error);
  say('empty', 'No model', noModelHint);
});
