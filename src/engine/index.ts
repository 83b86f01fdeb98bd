// Engines: scoring engines (bytes and a model to embedding and loss) and distance engines (embeddings and targets
// to hits). Native parts and large dependencies are loaded when an engine is created, not on import.

export { ISA_LEVELS, type IsaLevel } from '../native/isa-level.js';
export { type GenerateWeightsOptions, generateWeights } from '../weights/generate.js';
export {
  assertModelConfig,
  EOS_TOKEN,
  MODEL_CONFIGS,
  type ModelConfig,
  type ModelConfigName,
  PAD_TOKEN,
} from '../weights/model-config.js';
export { openSafetensors, safetensorsFromBytes } from '../weights/safetensors.js';
export type { WeightsFile } from '../weights/weights-file.js';
export {
  type EngineCandidate,
  type EngineProbe,
  type EngineSpeeds,
  engineSpeeds,
  probeEngines,
} from './calibration/engine-speeds.js';
export { type ChosenEngine, chooseEngine } from './choose-engine.js';
export type {
  DistanceEngine,
  EmbeddingRows,
  ErrorBound,
  GradientOptions,
  Hit,
  LoadedModel,
  LoadOptions,
  MixtureGoal,
  MixtureGradient,
  Precision,
  ScanOptions,
  Score,
  ScoreOptions,
  ScoringEngine,
  TargetMatrix,
} from './contract.js';
export { rowAsF32, toBf16 } from './embedding-rows.js';
export type { EngineOptions } from './engine-options.js';
export {
  createScoringEngine,
  type EngineSpec,
  MINING_ENGINES,
  SCORING_ENGINES,
  type ScoringEngineName,
} from './engine-spec.js';
export {
  createGpuDistanceEngine,
  type GpuDistanceEngine,
  type GpuDistanceEngineOptions,
  type GpuMode,
  probeWebGpu,
  type ResidentRows,
  type WebGpuProbe,
  type WebGpuProbeOptions,
} from './gpu/index.js';
export {
  BYTE_VALUES,
  cosineGradient,
  createJsDistanceEngine,
  createJsEngine,
  type JsEngine,
  type JsModel,
} from './js/index.js';
export {
  createNativeDistanceEngine,
  createNativeScoringEngine,
  type NativeCapabilities,
  type NativeDistanceEngine,
  type NativeDistanceOptions,
  type NativeScoringEngine,
  type NativeScoringOptions,
  nativeCapabilities,
} from './native/index.js';
export { prunePacked } from './native/prune-packed.js';
export { createOnnxEngine, ONNX_PROVIDERS, type OnnxEngineOptions, type OnnxProvider } from './onnx/index.js';
export {
  AUDIT_TOLERANCE,
  type BatchEvaluation,
  batchesOf,
  type Chunk,
  chunkAt,
  chunkCount,
  cosineDistance,
  createReferenceDistanceEngine,
  createReferenceEngine,
  type Evaluation,
  normalArray,
  type ReferenceEngine,
  type ReferenceModel,
  SIG_REG,
  selectBest,
  uniformArray,
  withinAuditTolerance,
} from './reference/index.js';
