/** Hugging Face models: a folder, a base URL or a map of files becomes the parts that the engine reads. */
import { RealizarError } from './errors.js';
import type { Platform } from './platform/platform.js';
import { type ByteReader, openParts, openSource, Part } from './source.js';
import type { LoadOptions, ModelFiles, Source } from './types.js';

const index = 'model.safetensors.index.json';
const template = 'chat_template.jinja';
/** Beside config.json; read before the weights. */
const companions = ['generation_config.json', 'tokenizer_config.json', 'chat_template.json', template, 'tokenizer.json',
  '1_Pooling/config.json'];
const maxTextBytes = 64 << 20;

/** Opens a file of the model by name; undefined where there is none. */
type OpenFile = (name: string) => Promise<ByteReader | undefined>;

interface Folder {
  /** For messages. */
  name: string;
  open: OpenFile;
  /** All names, where they can be listed. */
  names?: string[];
}

async function readText(reader: ByteReader, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    chunks.push(chunk.slice());
    bytes += chunk.length;
    if (bytes > maxTextBytes) throw new RealizarError('FORMAT', `${name} is longer than ${maxTextBytes >> 20} MB`);
  }
  return new TextDecoder().decode(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** The files that model.safetensors.index.json names. */
function shardsOf(text: string): string[] {
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown }).weight_map;
  } catch (error) {
    throw new RealizarError('FORMAT', `${index} is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
  const shards = typeof map === 'object' && map !== null ? [...new Set(Object.values(map as Record<string, unknown>))].sort() : [];
  const wrong = shards.find((s) => typeof s !== 'string' || !/^[^/\\]+\.safetensors$/.test(s));
  if (shards.length === 0 || wrong !== undefined) {
    throw new RealizarError('FORMAT', `${index} names ${shards.length ? `'${String(wrong)}', which is no safetensors file beside it` : 'no files'}`);
  }
  return shards as string[];
}

async function mustOpen(folder: Folder, name: string): Promise<ByteReader> {
  const reader = await folder.open(name);
  if (!reader) throw new RealizarError('SOURCE', `${folder.name} has no ${name}, which ${index} names`);
  return reader;
}

async function openWeights(folder: Folder, opened: ByteReader[]): Promise<void> {
  const list = await folder.open(index);
  if (list) {
    opened.push(list);
    for (const shard of shardsOf(await readText(list, index))) opened.push(await mustOpen(folder, shard));
    opened.splice(opened.indexOf(list), 1);
    return;
  }
  const whole = await folder.open('model.safetensors');
  if (whole) {
    opened.push(whole);
    return;
  }
  const others = (folder.names ?? []).filter((n) => n.endsWith('.safetensors')).sort();
  if (others.length === 0) {
    throw new RealizarError('SOURCE', `${folder.name} has a config.json but no model.safetensors or ${index}`);
  }
  for (const name of others) opened.push((await folder.open(name))!);
}

/** The template as the engine takes it: chat_template.json. */
async function wrapTemplate(reader: ByteReader): Promise<ByteReader> {
  const text = JSON.stringify({ chat_template: await readText(reader, template) });
  return openSource(new TextEncoder().encode(text));
}

async function openFolder(folder: Folder, options: LoadOptions): Promise<Part[]> {
  const opened: ByteReader[] = [];
  try {
    const config = await folder.open('config.json');
    if (!config) throw new RealizarError('SOURCE', `${folder.name} has no config.json: it is no Hugging Face model`);
    opened.push(config);
    for (const reader of await Promise.all(companions.map(async (name) => {
      const found = await folder.open(name);
      return found && name === template ? wrapTemplate(found) : found;
    }))) {
      if (reader) opened.push(reader);
    }
    if (!options.vocabOnly) await openWeights(folder, opened);
    return opened.map((r) => new Part(r));
  } catch (error) {
    opened.forEach((r) => r.cancel());
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** What a server has under a name; not there: 404 and its like, or a page in its place. */
async function fetchFile(base: string, name: string, signal?: AbortSignal): Promise<ByteReader | undefined> {
  const url = new URL(name, base);
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new RealizarError('SOURCE', `cannot fetch ${url}: ${(error as Error).message}`, { cause: error });
  }
  const page = response.headers.get('content-type')?.startsWith('text/html');
  if (page || [401, 403, 404, 410].includes(response.status)) {
    await response.body?.cancel();
    return undefined;
  }
  return openSource(response);
}

/** A URL whose path has no file name: .../SmolLM2-135M/ or .../resolve/main. */
function folderUrl(source: Source): string | undefined {
  const text = source instanceof URL ? source.href : source;
  if (typeof text !== 'string') return undefined;
  let url: URL;
  try {
    url = new URL(text, globalThis.location?.href);
  } catch {
    return undefined;
  }
  if (!/^https?:$/.test(url.protocol) || /\.[^/]*$/.test(url.pathname)) return undefined;
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url.href;
}

export function isMap(source: unknown): source is ModelFiles {
  const prototype = typeof source === 'object' && source !== null ? Object.getPrototypeOf(source) : undefined;
  return prototype === null || prototype === Object.prototype;
}

/** Files as a page gets them from an input or a drop: their names say what they are. */
function namedFiles(source: unknown): ModelFiles | undefined {
  if (!Array.isArray(source) || !source.every((s) => s instanceof Blob && 'name' in s)) return undefined;
  const files = Object.fromEntries((source as File[]).map((f) => [f.name, f]));
  return files['config.json'] ? files : undefined;
}

function mapFolder(files: ModelFiles, platform: Platform, signal?: AbortSignal): Folder {
  return {
    name: 'the map of files',
    names: Object.keys(files),
    open: async (name) => (Object.hasOwn(files, name) ? openSource(files[name]!, platform.openPath, signal) : undefined),
  };
}

/** Opens whatever load() takes. */
export async function openModel(source: Source | Source[] | ModelFiles, platform: Platform, options: LoadOptions): Promise<Part[]> {
  const { signal } = options;
  const map = isMap(source) ? source : namedFiles(source);
  if (map) return openFolder(mapFolder(map, platform, signal), options);
  const one = source as Source;
  const path = typeof one === 'string' || one instanceof URL ? String(one) : undefined;
  const names = path === undefined ? undefined : await platform.listFolder?.(path);
  if (names) {
    const open: OpenFile = async (name) => (names.includes(name) ? platform.openPath!(`${path}/${name}`) : undefined);
    return openFolder({ name: path!, names, open }, options);
  }
  const base = path !== undefined && (platform.openPath === undefined || /^https?:/i.test(path)) ? folderUrl(one) : undefined;
  if (base) {
    const certain = path!.endsWith('/');
    const config = await fetchFile(base, 'config.json', signal).catch((error) => {
      if (certain || signal?.aborted) throw error;
      return undefined; // the URL itself will say what is wrong
    });
    const open: OpenFile = async (name) => (name === 'config.json' ? config : fetchFile(base, name, signal));
    if (config || certain) return openFolder({ name: base, open }, options);
  }
  return openParts(source as Source | Source[], platform.openPath, signal);
}
