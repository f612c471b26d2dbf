/** Where models come from: the one that ships, a dropped or chosen file, a URL. */
import type { Source } from '../dist/index-browser.js';
import { byId } from './page.js';

export type LoadSource = (name: string, source: Source | Source[], bytes?: number) => void;

interface Manifest {
  models: { file: string; bytes: number }[];
  default: string;
}

/** The model that ships with the page. A missing manifest fails as a load does. */
export async function shippedModel(): Promise<{ name: string; url: URL; bytes?: number }> {
  const folder = new URL('models/', document.baseURI);
  const response = await fetch(new URL('manifest.json', folder));
  if (!response.ok) throw new Error(`models/manifest.json answered ${response.status}: choose a model file or load one from a URL`);
  const { models, default: name } = (await response.json()) as Manifest;
  return { name, url: new URL(name, folder), bytes: models.find(({ file }) => file === name)?.bytes };
}

/** The parts of a split model are loaded in the order of their names. */
function loadFiles(files: FileList, load: LoadSource): void {
  const parts = [...files].sort((a, b) => a.name.localeCompare(b.name, 'en'));
  if (parts.length === 0) return;
  const name = parts.length === 1 ? parts[0]!.name : `${parts[0]!.name} and ${parts.length - 1} more`;
  load(name, parts.length === 1 ? parts[0]! : parts);
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

/** Files dropped anywhere on the page. */
function watchDrops(load: LoadSource): void {
  const highlight = (on: boolean) => byId('drop').classList.toggle('shown', on);
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer!.dropEffect = 'copy';
    highlight(true);
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) highlight(false);
  });
  document.addEventListener('drop', (event) => {
    highlight(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    loadFiles(event.dataTransfer!.files, load);
  });
}

function watchFileField(load: LoadSource): void {
  const field = byId<HTMLInputElement>('file');
  field.addEventListener('change', () => {
    if (field.files) loadFiles(field.files, load);
    field.value = '';
  });
}

function watchUrlField(load: LoadSource): void {
  const field = byId<HTMLInputElement>('url');
  byId('url-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = field.value.trim();
    const url = text ? parseUrl(text) : undefined;
    field.setAttribute('aria-invalid', String(!url));
    if (url) load(url.pathname.split('/').pop() || url.host, url);
    else field.focus();
  });
  field.addEventListener('input', () => field.removeAttribute('aria-invalid'));
}

/** A URL, also one relative to the page; undefined if it is none. */
function parseUrl(text: string): URL | undefined {
  try {
    const url = new URL(text, document.baseURI);
    return /^(https?|blob):$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

export function watchSources(load: LoadSource): void {
  watchDrops(load);
  watchFileField(load);
  watchUrlField(load);
}
