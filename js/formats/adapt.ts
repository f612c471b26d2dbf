/** Files that the engine does not read itself: .apr and llama2.c. Told apart by their bytes. */
import type { DenseLayer, EngineTools } from '../engine.js';
import { RealizarError } from '../errors.js';
import { type ByteReader, Part } from '../source.js';
import type { LoadOptions } from '../types.js';
import { aprKind, type AprContainer, checkFooter, checkSum, readApr } from './apr.js';
import { isLanguageModel, planAprModel } from './apr-model.js';
import { expandAprV1, parseAprV1 } from './apr-v1.js';
import { crc32, type FileReader } from './bytes.js';
import { gather, ggufBytes, type GgufPlan, ggufSize, type PlannedTensor, type ReadTensor, unchanged } from './gguf-stream.js';
import type { TensorInfo } from './header.js';
import { isLlama2c, readLlama2c, readLlama2cTokenizer } from './llama2c.js';
import { readNetwork } from './network.js';

const headBytes = 256;
const maxPredictorBytes = 1 << 30;

/** A predictor's file: what the engine makes one from, and what the file says of it. */
export interface PredictorFile {
  source: Uint8Array | DenseLayer[];
  format: string;
  metadata: Record<string, unknown>;
  fileBytes: number;
}

/** A part whose beginning can be read ahead of its stream. */
class PartFile implements FileReader {
  private crc = 0;

  constructor(private readonly part: Part) {}

  get size(): number | undefined {
    return this.part.reader.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const head = await this.part.peek(offset + length);
    return head.subarray(Math.min(offset, head.length), offset + length);
  }

  /** At most `most` bytes from `offset` on, which must not go backwards; empty at the end. */
  private async next(offset: number, most: number): Promise<Uint8Array> {
    while (this.part.position < offset && (await this.consume(offset - this.part.position)).length);
    return this.consume(most);
  }

  private async consume(most: number): Promise<Uint8Array> {
    const bytes = (await this.part.at(this.part.position)).subarray(0, most);
    this.crc = crc32(bytes, this.crc);
    this.part.take(bytes.length);
    return bytes;
  }

  /** Compares the checksum at `at` with that of all bytes before it. */
  async verify(at: number): Promise<void> {
    while (this.part.position < at && (await this.consume(at - this.part.position)).length);
    const computed = this.crc;
    const stored = await this.gather(at, 4);
    checkSum(new DataView(stored.buffer, stored.byteOffset).getUint32(0, true), computed);
  }

  async *pieces(t: { offset: number; bytes: number; name: string }): AsyncGenerator<Uint8Array, void, void> {
    for (let done = 0; done < t.bytes;) {
      const piece = await this.next(t.offset + done, t.bytes - done);
      if (!piece.length) throw new RealizarError('TRUNCATED', `the file ends at byte ${t.offset + done}, inside tensor '${t.name}'`);
      done += piece.length;
      yield piece;
    }
  }

  private gather(offset: number, bytes: number): Promise<Uint8Array> {
    return gather(this.pieces({ offset, bytes, name: 'the checksum' }), bytes);
  }
}

/** The last piece is handed on when the checksum has been found right. */
async function* verified(pieces: AsyncGenerator<Uint8Array, void, void>, verify: () => Promise<void>): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array | undefined;
  for await (const piece of pieces) {
    if (held) yield held;
    held = new Uint8Array(piece);
  }
  await verify();
  if (held) yield held;
}

/** A plan's GGUF bytes as a part that the engine's loader reads, tensors in the order of the source. */
function partOf({ metadata, tensors }: GgufPlan, read: ReadTensor, tools: () => Promise<EngineTools>, cancel: () => void, verify?: () => Promise<void>): Part {
  const offset = (t: PlannedTensor) => t.sources[0]?.offset ?? 0;
  const plan = { metadata, tensors: [...tensors].sort((a, b) => offset(a) - offset(b)) };
  const bytes = ggufBytes(plan, read, tools);
  const pieces = verify ? verified(bytes, verify) : bytes;
  const reader: ByteReader = {
    size: ggufSize(plan),
    async read() {
      const { done, value } = await pieces.next();
      return done ? null : value;
    },
    cancel,
  };
  return new Part(reader);
}

function readPlain(plain: Uint8Array): ReadTensor {
  return async function* pieces(t) {
    yield plain.subarray(t.offset, t.offset + t.bytes);
  };
}

/** All of a small file. */
async function readAll(file: PartFile): Promise<Uint8Array> {
  const bytes = await file.read(0, Math.min(file.size ?? maxPredictorBytes, maxPredictorBytes) + 1);
  if (bytes.length > maxPredictorBytes) throw new RealizarError('UNSUPPORTED', `a predictor of more than ${maxPredictorBytes >> 20} MB`);
  return bytes;
}

async function adaptV1(file: PartFile): Promise<{ predictor: PredictorFile }> {
  const bytes = await readAll(file);
  const source = await expandAprV1(bytes);
  let metadata: unknown = {};
  try {
    metadata = parseAprV1(bytes).metadata;
  } catch { /* the engine says what is wrong with the file */ }
  return { predictor: { source, format: 'APR v1', metadata: (metadata ?? {}) as Record<string, unknown>, fileBytes: bytes.length } };
}

async function adaptNetwork(file: PartFile, container: AprContainer, tools: EngineTools): Promise<{ predictor: PredictorFile }> {
  const whole = container.plain ?? (await readAll(file));
  checkFooter(whole, container.checksumAt);
  const read = async (t: TensorInfo) => {
    if (t.offset + t.bytes > whole.length) throw new RealizarError('TRUNCATED', `.apr: the file ends inside tensor '${t.name}'`);
    return whole.subarray(t.offset, t.offset + t.bytes);
  };
  const source = await readNetwork(container.metadata, container.tensors, read, tools);
  return { predictor: { source, format: container.format, metadata: container.metadata, fileBytes: whole.length } };
}

export type Adapted = { predictor: PredictorFile } | { parts: Part[] };

/**
 * What to load instead of these parts: a predictor, or parts that are GGUF; undefined: the parts as
 * they are, the engine will say what it makes of them.
 */
export type Adapt = (parts: Part[], tools: () => Promise<EngineTools>, options: LoadOptions) => Promise<Adapted | undefined>;

export const adapt: Adapt = async (parts, tools) => {
  const [part, second] = parts as [Part, Part?];
  const file = new PartFile(part);
  const head = await file.read(0, headBytes);
  const cancel = () => parts.forEach((p) => p.reader.cancel());
  if (String.fromCharCode(...head.subarray(0, 3)) === 'APR') {
    if (aprKind(head) === 'v1') return adaptV1(file);
    const container = await readApr(file);
    if (!isLanguageModel(container.tensors)) return adaptNetwork(file, container, await tools());
    const { plain, checksumAt } = container;
    if (plain) checkFooter(plain, checksumAt);
    const verify = plain || checksumAt === undefined ? undefined : () => file.verify(checksumAt);
    return { parts: [partOf(planAprModel(container), plain ? readPlain(plain) : (t) => file.pieces(t), tools, cancel, verify)] };
  }
  if (isLlama2c(head, file.size)) {
    const { metadata, tensors } = readLlama2c(head);
    const vocab = metadata.get('llama.vocab_size')!.value as number;
    if (second) for (const [key, value] of readLlama2cTokenizer(await readAll(new PartFile(second)), vocab)) metadata.set(key, value);
    const plan = { metadata, tensors: tensors.map(unchanged) };
    return { parts: [partOf(plan, (t) => file.pieces(t), tools, cancel)] };
  }
  return undefined;
};
