/** What the header of a model file says, whatever its format. */

export interface TensorInfo {
  name: string;
  /** As the file spells it or ggml does: "F16", "Q4_K", "AprQ8". */
  type: string;
  /** Row length first, as in GGUF files. */
  dims: number[];
  /** Of the first byte, from the start of the file. */
  offset: number;
  bytes: number;
}

/** A metadata value with its GGUF type; `raw` are the type and the value as they stand in a file. */
export interface MetaEntry {
  type: number;
  /** Of the elements of an array. */
  elementType?: number;
  value: MetaScalar | MetaScalar[] | unknown[];
  raw?: Uint8Array;
}

export type MetaScalar = string | number | boolean;

/** GGUF's numbers for the types of metadata values. */
export const metaType = {
  u8: 0, i8: 1, u16: 2, i16: 3, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9, u64: 10, i64: 11, f64: 12,
} as const;

/** A language model's header in GGUF's terms: its keys, its tensor names. */
export interface ModelHeader {
  /** "GGUF v3", "APR v2", "llama2.c" ... */
  format: string;
  metadata: Map<string, MetaEntry>;
  tensors: TensorInfo[];
}

export function entry(type: keyof typeof metaType, value: MetaScalar): MetaEntry {
  return { type: metaType[type], value };
}

export function arrayEntry(elementType: keyof typeof metaType, value: MetaScalar[]): MetaEntry {
  return { type: metaType.array, elementType: metaType[elementType], value };
}

/** The number at a key, or `otherwise`. */
export function metaNumber(metadata: Map<string, MetaEntry>, key: string, otherwise?: number): number | undefined {
  const value = metadata.get(key)?.value;
  return typeof value === 'number' ? value : otherwise;
}

export function metaText(metadata: Map<string, MetaEntry>, key: string): string | undefined {
  const value = metadata.get(key)?.value;
  return typeof value === 'string' ? value : undefined;
}

export function metaArray(metadata: Map<string, MetaEntry>, key: string): unknown[] | undefined {
  const value = metadata.get(key)?.value;
  return Array.isArray(value) ? value : undefined;
}
