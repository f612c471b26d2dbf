/** A model that predicts: small, so it computes on the thread that asks. */
import { BaseModel } from './base-model.js';
import type { DenseLayer, EnginePredictor, EngineTools } from './engine.js';
import { RealizarError } from './errors.js';
import type { PredictorFile } from './formats/adapt.js';
import type { ChatGeneration, Generation, MetadataValue, ModelInfo, Perplexity, PredictorInfo } from './types.js';

function shown(metadata: Record<string, unknown>): Record<string, MetadataValue> {
  return Object.fromEntries(Object.entries(metadata).filter(([, v]) => v !== null).map(([key, v]) => [key,
    Array.isArray(v) ? { array: typeof v[0], length: v.length } : typeof v === 'object' ? JSON.stringify(v) : v as MetadataValue]));
}

function describe(file: PredictorFile, predictor: EnginePredictor, backend: 'wasm' | 'native'): ModelInfo {
  const { kind, inputs, outputs, exact, parameters, memoryBytes } = predictor.info();
  const name = file.metadata.model_name ?? file.metadata.name;
  return {
    architecture: kind, name: typeof name === 'string' ? name : '', type: 'F32', parameters,
    vocabSize: 0, contextLength: 0, embeddingLength: 0, layers: 0, heads: 0, kvHeads: 0, feedForwardLength: 0,
    bosToken: null, eosToken: null, vocabOnly: false, backend, variant: '', threads: 1,
    fileBytes: file.fileBytes, weightBytes: memoryBytes, memoryBytes, contextSize: 0,
    metadata: shown(file.metadata), warnings: [],
    predictor: { kind, inputs, outputs, exact },
  };
}

export class PredictorModel extends BaseModel {
  private closed = false;
  private readonly shape: PredictorInfo;

  private constructor(private readonly predictor: EnginePredictor, readonly info: ModelInfo) {
    super();
    this.shape = info.predictor!;
  }

  static open(file: PredictorFile, tools: EngineTools, backend: 'wasm' | 'native'): PredictorModel {
    const predictor = tools.predictor(file.source as Uint8Array | DenseLayer[]);
    return new PredictorModel(predictor, describe(file, predictor, backend));
  }

  async predict(features: ArrayLike<number>): Promise<Float32Array> {
    if (this.closed) throw new RealizarError('CLOSED', 'the model was closed');
    const { inputs, outputs, exact } = this.shape;
    if (features.length < inputs || (exact && features.length > inputs)) {
      throw new RealizarError('ARGUMENT', `this model takes ${inputs} ${exact ? '' : 'or more '}features, not ${features.length}`);
    }
    const out = new Float32Array(outputs);
    this.predictor.predict(features, out);
    return out;
  }

  private async refuse(): Promise<never> {
    throw new RealizarError('UNSUPPORTED', `this model is a ${this.shape.kind}: it has no text, only predict()`);
  }

  tokenize(): Promise<number[]> {
    return this.refuse();
  }

  detokenize(): Promise<string> {
    return this.refuse();
  }

  override async *chatEvents(): ChatGeneration {
    return this.refuse();
  }

  override applyChatTemplate(): Promise<string> {
    return this.refuse();
  }

  override chatFormat(): Promise<string | null> {
    return this.refuse();
  }

  async *events(): Generation {
    return this.refuse();
  }

  logits(): Promise<Float32Array> {
    return this.refuse();
  }

  embed(): Promise<Float32Array> {
    return this.refuse();
  }

  perplexity(): Promise<Perplexity> {
    return this.refuse();
  }

  async close(): Promise<void> {
    if (!this.closed) this.predictor.close();
    this.closed = true;
  }
}
