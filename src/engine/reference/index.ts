export { normalArray, uniformArray } from '../../random/arrgen.js';
export { AUDIT_TOLERANCE, cosineDistance, selectBest, withinAuditTolerance } from './competition.js';
export { batchesOf, type Chunk, chunkAt, chunkCount } from './data-contract.js';
export { createReferenceDistanceEngine } from './distance.js';
export type { BatchEvaluation, Evaluation } from './evaluate.js';
export { createReferenceEngine, type ReferenceEngine, type ReferenceModel } from './reference-engine.js';
export { SIG_REG } from './sig-reg.js';
