/** Rotary positions of Hugging Face's models and their scalings as GGUF says them: in metadata, and in tensors of factors. */
import { RealizarError } from '../errors.js';
import { isObject } from './bytes.js';
import type { PlannedTensor } from './gguf-stream.js';
import { entry, type MetaEntry } from './header.js';
import { type Config, type HfClass, type HfSizes, numberAt } from './hf-config.js';

interface RopeDescription {
  /** Keys without the architecture's name. */
  entries: [string, MetaEntry][];
  tensors: PlannedTensor[];
  notes: string[];
}

/** What a scaling is reckoned from. */
interface Rope {
  /** rope_scaling or rope_parameters. */
  settings: Config;
  config: Config;
  base: number;
  /** Of the part of a head that is rotated. */
  width: number;
  context: number;
}

const f32 = (key: string, value: number): [string, MetaEntry] => [key, entry('f32', value)];

/** RoPE's settings; newer files have its base there as well. */
function settingsOf(config: Config): Config {
  const rope = config.rope_parameters ?? config.rope_scaling;
  if (!isObject(rope)) return {};
  return isObject(rope.full_attention) ? rope.full_attention : rope;
}

function factorOf({ settings }: Rope): number {
  const factor = numberAt(settings, 'factor');
  if (factor === undefined) throw new RealizarError('FORMAT', "the model's settings have no number 'factor'");
  return factor;
}

function factorsTensor(name: string, factors: ArrayLike<number>): PlannedTensor {
  return { name, type: 'F32', dims: [factors.length], sources: [], data: new Uint8Array(Float32Array.from(factors).buffer) };
}

/* ---- kinds of scaling ------------------------------------------------------------------------- */

type Scaling = (rope: Rope) => Partial<RopeDescription>;

const linear: Scaling = (rope) => ({ entries: [['rope.scaling.type', entry('string', 'linear')], f32('rope.scaling.factor', factorOf(rope))] });

/** By how much the numbers of rotated heads grow with YaRN. */
function growth(factor: number, scale: number): number {
  return factor > 1 ? 0.1 * scale * Math.log(factor) + 1 : 1;
}

const yarn: Scaling = (rope) => {
  const { settings } = rope;
  const factor = factorOf(rope);
  for (const [key, only] of [['beta_fast', 32], ['beta_slow', 1]] as const) {
    const value = numberAt(settings, key) ?? only;
    if (value !== only) throw new RealizarError('UNSUPPORTED', `YaRN with ${key} ${value} cannot be translated to GGUF; ${only} can`);
  }
  const [scale, all] = [numberAt(settings, 'mscale') ?? 0, numberAt(settings, 'mscale_all_dim') ?? 0];
  const grown = scale > 0 && all > 0 ? growth(factor, scale) / growth(factor, all) : growth(factor, 1);
  const more = (numberAt(settings, 'attention_factor') ?? grown) / (1 + 0.1 * Math.log(factor)); // readers grow by themselves
  const original = numberAt(settings, 'original_max_position_embeddings') ?? rope.context;
  return {
    entries: [
      ['rope.scaling.type', entry('string', 'yarn')], f32('rope.scaling.factor', factor),
      ['rope.scaling.original_context_length', entry('u32', original)],
      ...(Math.abs(more - 1) > 1e-6 ? [f32('rope.scaling.attn_factor', more)] : []),
    ],
    notes: settings.truncate === false ? ["GGUF files mean whole numbers where YaRN's ramp begins and ends, this model does not: results differ slightly"] : [],
  };
};

/** By how much every pair of a head is slowed. */
const llama3: Scaling = (rope) => {
  const { settings, width, base, context } = rope;
  const factor = factorOf(rope);
  const [low, high] = [numberAt(settings, 'low_freq_factor') ?? 1, numberAt(settings, 'high_freq_factor') ?? 4];
  const original = numberAt(settings, 'original_max_position_embeddings') ?? context;
  const factors = Array.from({ length: width / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * base ** ((2 * i) / width));
    const keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return 1 / ((1 - keep) / factor + keep);
  });
  return { tensors: [factorsTensor('rope_freqs.weight', factors)] };
};

/** A factor per pair, for contexts within and beyond the original one. */
const longrope: Scaling = ({ settings, config, width, context }) => {
  const original = numberAt(config, 'original_max_position_embeddings') ?? numberAt(settings, 'original_max_position_embeddings') ?? context;
  const factor = context / original;
  const grown = factor > 1 ? Math.sqrt(1 + Math.log(factor) / Math.log(original)) : 1;
  const tensors = (['long', 'short'] as const).map((kind) => {
    const list = settings[`${kind}_factor`];
    const usable = Array.isArray(list) && list.length === width / 2 && list.every((v) => typeof v === 'number' && v > 0);
    if (!usable) throw new RealizarError('FORMAT', `LongRoPE needs ${width / 2} usable factors in ${kind}_factor`);
    return factorsTensor(`rope_factors_${kind}.weight`, list as number[]);
  });
  return {
    entries: [
      ['rope.scaling.type', entry('string', 'longrope')], ['rope.scaling.original_context_length', entry('u32', original)],
      f32('rope.scaling.attn_factor', numberAt(settings, 'attention_factor') ?? grown),
    ],
    tensors,
  };
};

/** It begins beyond the context that the model was trained for. */
const dynamic: Scaling = ({ context }) => ({ notes: [`GGUF cannot say that RoPE grows with the context beyond ${context} tokens: the file is for contexts of that length`] });

const scalings: Record<string, Scaling> = { default: () => ({}), linear, yarn, llama3, longrope, su: longrope, dynamic };

export function describeRope(config: Config, type: string, row: HfClass, { headDim, context }: HfSizes): RopeDescription {
  const settings = settingsOf(config);
  const base = numberAt(settings, 'rope_theta') ?? numberAt(config, 'rope_theta', 'rotary_emb_base') ?? row.theta;
  const partial = numberAt(settings, 'partial_rotary_factor')
    ?? numberAt(config, 'partial_rotary_factor', 'rotary_pct', 'rope_pct', 'rotary_emb_fraction') ?? row.partial;
  const width = Math.floor(headDim * partial);
  const kind = String(settings.rope_type ?? settings.type ?? 'default');
  const scaling = scalings[kind];
  if (!scaling) throw new RealizarError('UNSUPPORTED', `RoPE scaling '${kind}' of models of type '${type}' cannot be translated to GGUF; ${Object.keys(scalings).join(', ')} can`);
  const { entries = [], tensors = [], notes = [] } = scaling({ settings, config, base, width, context });
  return { entries: [['rope.dimension_count', entry('u32', width)], f32('rope.freq_base', base), ...entries], tensors, notes };
}
