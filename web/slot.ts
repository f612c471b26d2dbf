/** The page's model: loads one, replaces the one before, closes it, cancels a load. */
import { load, type Model, type Source } from '../dist/index-browser.js';
import { byId, clearAlert, megabytes, say, sayFigures, showAlert } from './page.js';

export interface SlotEvents {
  /** A load began; the model before it stays until the new one is there. */
  starts(): void;
  /** A model is ready; the one before it is closed. */
  loaded(model: Model, name: string): void;
  /** The load failed or was cancelled; `model` is the one that stays, if there is one. */
  ended(model?: Model): void;
}

const progress = byId<HTMLProgressElement>('progress');
const cancel = byId<HTMLButtonElement>('cancel');
const stop = byId<HTMLButtonElement>('stop');

/** Reason of a load that another one replaced: nobody needs to hear of it. */
const replaced = new DOMException('another model is loading', 'AbortError');

/** While a model loads, Cancel stands where Stop is. */
function showCancel(shown: boolean): void {
  cancel.hidden = !shown;
  stop.hidden = shown;
}

export class Slot {
  model?: Model;
  private loading?: AbortController;

  constructor(private readonly events: SlotEvents) {
    cancel.addEventListener('click', () => {
      this.loading?.abort(new DOMException('the load was cancelled', 'AbortError'));
    });
  }

  get busy(): boolean {
    return this.loading !== undefined;
  }

  /** Loads from a source. `bytes` is its size where it is known beforehand. */
  async load(name: string, source: Source | Source[], bytes?: number): Promise<void> {
    this.loading?.abort(replaced);
    const mine = (this.loading = new AbortController());
    clearAlert();
    this.show(name);
    this.events.starts();
    try {
      const model = await load(source, {
        signal: mine.signal,
        onProgress: ({ loaded, total }) => {
          if (this.loading === mine) this.showBytes(loaded, total ?? bytes);
        },
      });
      if (this.loading !== mine) return void model.close();
      await this.replace(model, name);
    } catch (error) {
      if (this.loading !== mine) return;
      this.hide();
      showAlert(mine.signal.aborted ? `${name} was not loaded` : `Could not load ${name}`, error);
      this.events.ended(this.model);
    }
  }

  private async replace(model: Model, name: string): Promise<void> {
    const before = this.model;
    this.model = model;
    this.hide();
    this.events.loaded(model, name);
    await before?.close();
  }

  private show(name: string): void {
    progress.removeAttribute('value');
    progress.classList.add('shown');
    showCancel(true);
    say('loading', `Loading ${name}`, '0 MB');
  }

  private showBytes(loaded: number, total?: number): void {
    if (!total) return sayFigures(`${megabytes(loaded)} MB`);
    const share = Math.min(loaded / total, 1);
    progress.value = share;
    sayFigures(`${megabytes(loaded)} of ${megabytes(total)} MB, ${Math.floor(share * 100)} %`);
  }

  private hide(): void {
    this.loading = undefined;
    progress.value = 0;
    progress.classList.remove('shown');
    const focused = document.activeElement === cancel;
    showCancel(false);
    if (focused) byId('line').focus();
  }
}
