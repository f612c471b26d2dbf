/** Headers of safetensors files. Source: the format description of huggingface/safetensors. */
import { RealizarError } from '../errors.js';
import { Cursor, type FileReader, isObject, parseJson, readExactly } from './bytes.js';
import type { TensorInfo } from './header.js';

const maxHeaderBytes = 100 << 20;

/** Their names for types, and bytes of an element. */
const types: Record<string, [name: string, bytes: number]> = {
  F64: ['F64', 8], F32: ['F32', 4], F16: ['F16', 2], BF16: ['BF16', 2], I64: ['I64', 8], I32: ['I32', 4], I16: ['I16', 2], I8: ['I8', 1],
  U64: ['U64', 8], U32: ['U32', 4], U16: ['U16', 2], U8: ['U8', 1], BOOL: ['BOOL', 1], F8_E4M3: ['F8_E4M3', 1], F8_E5M2: ['F8_E5M2', 1],
};

function bad(sentence: string): never {
  throw new RealizarError('FORMAT', `safetensors: ${sentence}`);
}

/** Whether the first bytes may begin such a file: a plausible length and an opening brace. */
export function isSafetensors(head: Uint8Array): boolean {
  return head.length >= 9 && head[8] === 0x7b && new Cursor(head, 'safetensors').u64() <= maxHeaderBytes;
}

function readTensor(name: string, value: unknown, dataAt: number): TensorInfo {
  const { dtype, shape, data_offsets: places } = isObject(value) ? value : {};
  const whole = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0;
  if (typeof dtype !== 'string' || !Array.isArray(shape) || !shape.every(whole) || !Array.isArray(places) || places.length !== 2 || !places.every(whole)) {
    bad(`the entry of tensor '${name}' is not usable`);
  }
  const type = types[dtype as string];
  if (!type) throw new RealizarError('UNSUPPORTED', `safetensors: tensor '${name}' has type ${dtype as string}, which is not known`);
  const dims = (shape as number[]).length ? (shape as number[]).slice().reverse() : [1];
  const [from, to] = places as [number, number];
  const bytes = type[1] * dims.reduce((a, b) => a * b, 1);
  if (to - from !== bytes) bad(`tensor '${name}' has ${to - from} bytes, but ${(shape as number[]).join(' x ')} weights of type ${dtype as string} have ${bytes}`);
  return { name, type: type[0], dims, offset: dataAt + from, bytes };
}

/** Tensors must follow each other without gaps. */
function checkPlaces(tensors: TensorInfo[], dataAt: number, size?: number): void {
  let at = dataAt;
  for (const t of [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (t.offset !== at) bad(`tensor '${t.name}' begins at byte ${t.offset}, the one before ends at ${at}`);
    at += t.bytes;
  }
  if (size !== undefined && size !== at) {
    throw new RealizarError(size < at ? 'TRUNCATED' : 'FORMAT', `safetensors: the tensors end at byte ${at}, the file has ${size}`);
  }
}

export async function readSafetensors(file: FileReader): Promise<{ tensors: TensorInfo[]; metadata: Record<string, unknown> }> {
  const length = new Cursor(await readExactly(file, 0, 8, 'safetensors'), 'safetensors').u64();
  if (length > maxHeaderBytes) bad(`the header claims ${length} bytes, at most ${maxHeaderBytes} are possible`);
  const header = parseJson(await readExactly(file, 8, length, 'safetensors'), 'the header of the safetensors file');
  if (!isObject(header)) bad('the header is no JSON object');
  const { __metadata__: metadata, ...entries } = header as Record<string, unknown>;
  const tensors = Object.entries(entries).map(([name, value]) => readTensor(name, value, 8 + length));
  checkPlaces(tensors, 8 + length, file.size);
  return { tensors, metadata: isObject(metadata) ? metadata : {} };
}
