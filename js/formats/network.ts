/** Tensors named weight and bias as a network of layers: what predicts in .apr version 2 and APR1. */
import { activations, type DenseLayer, type EngineTools } from '../engine.js';
import { RealizarError } from '../errors.js';
import type { TensorInfo } from './header.js';
import { typeOfName } from './weight-types.js';

function halfToFloat(h: number): number {
  const mantissa = h & 1023;
  const exponent = (h >> 10) & 31;
  const size = exponent === 0 ? mantissa * 2 ** -24 : exponent === 31 ? (mantissa ? NaN : Infinity) : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  return h & 0x8000 ? -size : size;
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

/** 32 weights in 18 bytes: a half, then neighbours in one byte, the first in the low nibble. */
function readAprQ4(view: DataView, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    const block = Math.floor(i / 32) * 18;
    const pair = view.getUint8(block + 2 + ((i % 32) >> 1));
    out[i] = ((i % 2 ? pair >> 4 : pair & 15) - 8) * halfToFloat(view.getUint16(block, true));
  }
}

/** One scale for the whole tensor, then signed bytes. */
function readAprQ8(view: DataView, out: Float32Array): void {
  const scale = view.getFloat32(0, true);
  for (let i = 0; i < out.length; i++) out[i] = view.getInt8(4 + i) * scale;
}

/** The weights of a tensor as floats. `bytes` are the tensor's. */
export function readFloats(t: TensorInfo, bytes: Uint8Array, tools: EngineTools): Float32Array {
  const out = new Float32Array(t.dims.reduce((a, b) => a * b, 1));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = (value: (i: number) => number) => {
    for (let i = 0; i < out.length; i++) out[i] = value(i);
  };
  switch (t.type) {
    case 'F32': each((i) => view.getFloat32(4 * i, true)); break;
    case 'F64': each((i) => view.getFloat64(8 * i, true)); break;
    case 'F16': each((i) => halfToFloat(view.getUint16(2 * i, true))); break;
    case 'BF16': each((i) => floatOf(view.getUint16(2 * i, true))); break;
    case 'AprQ4': readAprQ4(view, out); break;
    case 'AprQ8': readAprQ8(view, out); break;
    default: {
      const type = typeOfName(t.type);
      if (!type || type.block === 1) throw new RealizarError('UNSUPPORTED', `tensor '${t.name}' has weight type ${t.type}, which is not supported there`);
      tools.dequantize(type.id, bytes, out);
    }
  }
  return out;
}

/** Layer by layer as people count: "fc2" before "fc10". */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function activationOf(name: unknown, otherwise: string): number {
  const wanted = name === undefined ? otherwise : String(name).toLowerCase();
  const act = activations.indexOf(wanted === 'identity' || wanted === 'none' ? 'linear' : wanted);
  if (act < 0) throw new RealizarError('UNSUPPORTED', `.apr: the activation '${wanted}' is not supported; ${activations.join(', ')} are`);
  return act;
}

interface Pair {
  name: string;
  weight?: TensorInfo;
  bias?: TensorInfo;
}

/** Tensors by layer; whatever is neither weight nor bias is refused by name. */
function pairUp(tensors: TensorInfo[]): Pair[] {
  const pairs = new Map<string, Pair>();
  for (const t of tensors) {
    const [, name, kind] = /^(.*?)[._]?(weight|bias)s?$/.exec(t.name) ?? [];
    if (name === undefined) {
      throw new RealizarError('UNSUPPORTED', `.apr: tensor '${t.name}' belongs to no known kind of model: language models and networks of weight and bias are`);
    }
    const pair = pairs.get(name) ?? { name };
    pair[kind as 'weight' | 'bias'] = t;
    pairs.set(name, pair);
  }
  return [...pairs.values()].sort((a, b) => compareNames(a.name, b.name));
}

/**
 * The layers of a network. Between layers `activation` of the metadata applies, by default relu;
 * after the last one `output_activation`, by default none, and sigmoid where `model_type` says logistic.
 */
export async function readNetwork(metadata: Record<string, unknown>, tensors: TensorInfo[], read: (t: TensorInfo) => Promise<Uint8Array>,
  tools: EngineTools): Promise<DenseLayer[]> {
  const pairs = pairUp(tensors);
  if (pairs.length === 0) throw new RealizarError('UNSUPPORTED', '.apr: the file holds no tensors');
  const hidden = activationOf(metadata.activation, 'relu');
  const last = activationOf(metadata.output_activation, /logistic/i.test(String(metadata.model_type)) ? 'sigmoid' : 'linear');
  const layers: DenseLayer[] = [];
  for (const [i, { name, weight, bias }] of pairs.entries()) {
    if (!weight) throw new RealizarError('SHAPE', `.apr: tensor '${bias!.name}' has no weight beside it`);
    if (weight.dims.length > 2) throw new RealizarError('SHAPE', `.apr: tensor '${weight.name}' is no matrix`);
    const [cols, rows] = [weight.dims[0]!, weight.dims[1] ?? 1];
    const biases = bias?.dims.reduce((a, b) => a * b, 1);
    if (biases !== undefined && biases !== rows) {
      throw new RealizarError('SHAPE', `.apr: layer '${name}' has ${rows} outputs but ${biases} biases`);
    }
    layers.push({
      rows, cols, act: i + 1 < pairs.length ? hidden : last,
      w: readFloats(weight, await read(weight), tools),
      b: bias && readFloats(bias, await read(bias), tools),
    });
  }
  return layers;
}
