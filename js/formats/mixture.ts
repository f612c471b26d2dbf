/** Which tensor of a model gets which type: llama.cpp's mixtures of its quantisation programs. */
import { RealizarError } from '../errors.js';
import { type GgufPlan, type PlannedTensor, sourceType } from './gguf-stream.js';
import { entry, metaNumber, metaText } from './header.js';
import { typeOfName } from './weight-types.js';

interface Mixture {
  type: string;
  /** general.file_type */
  fileType: number;
  /** Which of the larger types some tensors get. */
  more?: 'S' | 'M';
}

const mixtures: Record<string, Mixture> = {
  f32: { type: 'F32', fileType: 0 }, f16: { type: 'F16', fileType: 1 }, bf16: { type: 'BF16', fileType: 32 },
  q4_0: { type: 'Q4_0', fileType: 2 }, q4_1: { type: 'Q4_1', fileType: 3 }, q5_0: { type: 'Q5_0', fileType: 8 },
  q5_1: { type: 'Q5_1', fileType: 9 }, q8_0: { type: 'Q8_0', fileType: 7 },
  q4_k_s: { type: 'Q4_K', fileType: 14, more: 'S' }, q4_k_m: { type: 'Q4_K', fileType: 15, more: 'M' },
  q5_k_s: { type: 'Q5_K', fileType: 16, more: 'S' }, q5_k_m: { type: 'Q5_K', fileType: 17, more: 'M' },
  q6_k: { type: 'Q6_K', fileType: 18 },
};

export const mixtureNames = [...Object.keys(mixtures), 'q4_k', 'q5_k'];

function mixtureOf(name: string): Mixture {
  const key = name.toLowerCase();
  const found = mixtures[key] ?? mixtures[`${key}_m`];
  if (!found) throw new RealizarError('ARGUMENT', `there is no type '${name}' to quantise to; there are ${mixtureNames.join(', ')}`);
  return found;
}

/** The layers at both ends and every third between them. */
function getsMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** What stays as it is: norms, positions, routers, and MXFP4, which models are trained with. */
function isKept(t: PlannedTensor): boolean {
  return !t.name.endsWith('weight') || t.dims.length < 2 || sourceType(t) === 'MXFP4' || /_norm\.weight$|ffn_gate_inp|^position_embd|^token_types|^rope_/.test(t.name);
}

interface Model {
  architecture: string;
  layers: number;
  experts: number;
  tied: boolean;
  /** Values matrices seen so far, and how many there are. */
  values: number;
  valueCount: number;
}

/** What a tensor of mixture M or S gets. */
function chooseK({ type, more }: Mixture, name: string, m: Model): string {
  const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? 0);
  const large = more === 'M' ? 'Q6_K' : 'Q5_K';
  if (/\.attn_v\.weight$/.test(name)) {
    const index = m.values++;
    if (m.experts === 8) return 'Q8_0';
    if (more === 'M' && getsMoreBits(index, m.valueCount)) return large;
    return type === 'Q4_K' && more === 'S' && index < 4 ? large : type;
  }
  if (/\.attn_k\.weight$/.test(name) && m.experts === 8) return 'Q8_0';
  if (/\.ffn_down(_exps|_shexp)?\.weight$/.test(name)) {
    if (m.architecture === 'falcon') {
      if (more === 'S') return type;
      return type === 'Q4_K' && layer >= Math.floor(m.layers / 16) ? (getsMoreBits(layer, m.layers) ? 'Q5_K' : 'Q4_K') : large;
    }
    if (more === 'M') return getsMoreBits(layer, m.layers) ? large : type;
    return type === 'Q4_K' && layer < Math.floor(m.layers / 8) ? large : type;
  }
  if (/\.attn_output\.weight$/.test(name) && m.experts === 8) return 'Q5_K';
  if (/\.attn_qkv\.weight$/.test(name) && more === 'M') return type === 'Q4_K' ? 'Q5_K' : 'Q6_K';
  return type;
}

/** Types of 32 weights where rows are no whole number of 256, half floats where even that does not fit. */
function fit(type: string, columns: number): string {
  if (columns % typeOfName(type)!.block === 0) return type;
  const other: Record<string, string> = { Q4_K: 'Q5_0', Q5_K: 'Q5_1', Q6_K: 'Q8_0' };
  return columns % 32 === 0 && other[type] ? other[type] : 'F16';
}

function choose(mixture: Mixture, t: PlannedTensor, m: Model): string {
  const columns = t.dims[0]!;
  const { type } = mixture;
  if (typeOfName(type)!.block === 1) return type;
  const isOutput = t.name === 'output.weight' || (m.tied && t.name === 'token_embd.weight');
  if (isOutput) return fit(type === 'Q8_0' || columns % typeOfName(type)!.block ? 'Q8_0' : 'Q6_K', columns);
  return fit(mixture.more ? chooseK(mixture, t.name, m) : type, columns);
}

/** The same plan with other types of matrices. Matrices that are quantised already are refused. */
export function retype(plan: GgufPlan, name: string): GgufPlan {
  const mixture = mixtureOf(name);
  const architecture = metaText(plan.metadata, 'general.architecture') ?? '';
  const m: Model = {
    architecture,
    layers: metaNumber(plan.metadata, `${architecture}.block_count`, 0)!,
    experts: metaNumber(plan.metadata, `${architecture}.expert_count`, 0)!,
    tied: !plan.tensors.some((t) => t.name === 'output.weight'),
    values: 0,
    valueCount: plan.tensors.filter((t) => /\.attn_v\.weight$/.test(t.name)).length,
  };
  const tensors = plan.tensors.map((t) => {
    if (isKept(t)) return t;
    const type = choose(mixture, t, m);
    const from = typeOfName(sourceType(t));
    if (type !== t.type && from && from.block > 1) {
      throw new RealizarError('UNSUPPORTED', `tensor '${t.name}' is ${sourceType(t)} already: quantise the file with the floats instead`);
    }
    return { ...t, type };
  });
  const metadata = new Map(plan.metadata).set('general.file_type', entry('u32', mixture.fileType));
  if (typeOfName(mixture.type)!.block > 1) metadata.set('general.quantization_version', entry('u32', 2));
  return { ...plan, metadata, tensors };
}
