/** Models that commands read to write them anew: a file or a folder as the plan of a GGUF file. */
import { RealizarError } from '../errors.js';
import { aprKind, checkFooter, readApr } from '../formats/apr.js';
import { isLanguageModel, planAprModel } from '../formats/apr-model.js';
import { type FileReader, fileOfBytes, isObject } from '../formats/bytes.js';
import { readGguf } from '../formats/gguf.js';
import { type GgufPlan, type ReadTensor, unchanged } from '../formats/gguf-stream.js';
import { entry, type MetaEntry, type TensorInfo } from '../formats/header.js';
import { describeHf } from '../formats/hf-config.js';
import { planHf } from '../formats/hf-names.js';
import { hfTokenizerEntries } from '../formats/hf-tokenizer.js';
import { isLlama2c, readLlama2c, readLlama2cTokenizer } from '../formats/llama2c.js';
import { readSafetensors } from '../formats/safetensors.js';
import { typeOfName } from '../formats/weight-types.js';
import { fileExists, folderFiles, openFile, readText } from '../platform/node.js';

export interface OpenModel {
  plan: GgufPlan;
  read: ReadTensor;
  close(): Promise<void>;
}

const pieceBytes = 4 << 20;

/** Reads tensors of one or several open files. */
function reader(fileOf: (t: TensorInfo) => FileReader): ReadTensor {
  return async function* pieces(t) {
    for (let done = 0; done < t.bytes;) {
      const piece = await fileOf(t).read(t.offset + done, Math.min(pieceBytes, t.bytes - done));
      if (!piece.length) throw new RealizarError('TRUNCATED', `the file ends at byte ${t.offset + done}, inside tensor '${t.name}'`);
      done += piece.length;
      yield piece;
    }
  };
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  if (!(await fileExists(path))) return undefined;
  try {
    const value: unknown = JSON.parse(await readText(path));
    if (isObject(value)) return value;
  } catch (error) {
    throw new RealizarError('FORMAT', `${path} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  throw new RealizarError('FORMAT', `${path} holds no JSON object`);
}

/* ---- folders of Hugging Face ----------------------------------------------------------------- */

/** The safetensors files of a folder: those of the index, or the only one. */
async function weightFiles(folder: string): Promise<string[]> {
  const index = await readJson(`${folder}/model.safetensors.index.json`);
  if (index) {
    if (!isObject(index.weight_map)) throw new RealizarError('FORMAT', `${folder}/model.safetensors.index.json has no weight_map`);
    const names = [...new Set(Object.values(index.weight_map).map(String))];
    const outside = names.find((n) => /[/\\]/.test(n));
    if (outside) throw new RealizarError('FORMAT', `the index names '${outside}', which is no file of the folder`);
    return names.map((n) => `${folder}/${n}`);
  }
  const names = (await folderFiles(folder)).filter((n) => n.endsWith('.safetensors'));
  if (names.length === 1) return [`${folder}/${names[0]}`];
  throw new RealizarError('SOURCE', `${folder} holds ${names.length} safetensors files and no model.safetensors.index.json`);
}

/** The type that a matrix keeps. */
function floatType(t: TensorInfo): string {
  if (['F32', 'F16', 'BF16'].includes(t.type)) return typeOfName(t.type)!.name;
  throw new RealizarError('UNSUPPORTED', `tensor '${t.name}' has type ${t.type}; F32, F16 and BF16 can be converted`);
}

/** How an encoder's vectors become one, as GGUF numbers it: the mean, the first, the last. */
function pooling(config: Record<string, unknown>): number {
  return config.pooling_mode_cls_token === true ? 2 : config.pooling_mode_lasttoken === true ? 3 : 1;
}

async function openFolder(folder: string): Promise<OpenModel> {
  const config = await readJson(`${folder}/config.json`);
  if (!config) throw new RealizarError('SOURCE', `${folder} holds no config.json`);
  const model = describeHf(config);
  const { metadata } = model;
  const tokenizer = await readJson(`${folder}/tokenizer.json`);
  const entries: [string, MetaEntry][] = tokenizer
    ? hfTokenizerEntries(tokenizer, (await readJson(`${folder}/tokenizer_config.json`)) ?? {}, config)
    : [['tokenizer.ggml.model', entry('string', 'no_vocab')]];
  for (const [key, value] of entries) metadata.set(key, value);
  if (model.class.encoder) metadata.set(`${model.class.arch}.pooling_type`, entry('u32', pooling((await readJson(`${folder}/1_Pooling/config.json`)) ?? {})));
  const files = await Promise.all((await weightFiles(folder)).map(openFile));
  const fileOf = new Map<string, FileReader>();
  const tensors: TensorInfo[] = [];
  for (const file of files) {
    for (const t of (await readSafetensors(file)).tensors) {
      fileOf.set(t.name, file);
      tensors.push(t);
    }
  }
  const plan = { metadata, tensors: planHf(tensors, model, floatType), notes: model.notes };
  return { plan, read: reader((t) => fileOf.get(t.name)!), close: async () => void (await Promise.all(files.map((f) => f.close()))) };
}

/* ---- single files ---------------------------------------------------------------------------- */

async function openApr(file: FileReader, head: Uint8Array): Promise<{ plan: GgufPlan; read: ReadTensor }> {
  if (aprKind(head) === 'v1') throw new RealizarError('UNSUPPORTED', 'a predictor of .apr version 1 is no language model: it cannot be converted');
  const container = await readApr(file);
  if (!isLanguageModel(container.tensors)) throw new RealizarError('UNSUPPORTED', 'this .apr file holds a predictor, no language model: it cannot be converted');
  if (container.plain) checkFooter(container.plain, container.checksumAt);
  const source = container.plain ? fileOfBytes(container.plain) : file;
  return { plan: planAprModel(container), read: reader(() => source) };
}

async function openLlama2c(file: FileReader, head: Uint8Array, tokenizer?: string): Promise<{ plan: GgufPlan; read: ReadTensor }> {
  const { metadata, tensors } = readLlama2c(head);
  const vocab = metadata.get('llama.vocab_size')!.value as number;
  if (tokenizer) {
    const tokens = await openFile(tokenizer);
    const bytes = await tokens.read(0, tokens.size!);
    await tokens.close();
    for (const [key, value] of readLlama2cTokenizer(bytes, vocab)) metadata.set(key, value);
  } else {
    metadata.set('tokenizer.ggml.model', entry('string', 'no_vocab'));
  }
  return { plan: { metadata, tensors: tensors.map(unchanged) }, read: reader(() => file) };
}

/** `tokenizer`: the path of the tokenizer's file of llama2.c. */
export async function openModel(path: string, tokenizer?: string): Promise<OpenModel> {
  if (!(await fileExists(path)) && (await folderFiles(path).catch(() => undefined))) return openFolder(path);
  const file = await openFile(path);
  try {
    const head = await file.read(0, 256);
    const magic = String.fromCharCode(...head.subarray(0, 4));
    if (magic === 'GGUF') {
      const { metadata, tensors } = await readGguf(file);
      return { plan: { metadata, tensors: tensors.map(unchanged) }, read: reader(() => file), close: file.close };
    }
    if (magic.startsWith('APR')) return { ...(await openApr(file, head)), close: file.close };
    if (isLlama2c(head, file.size)) return { ...(await openLlama2c(file, head, tokenizer)), close: file.close };
    throw new RealizarError('FORMAT', `${path} is none of GGUF, .apr and llama2.c; of safetensors models name the folder`);
  } catch (error) {
    await file.close();
    throw error;
  }
}
