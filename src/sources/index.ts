export { HttpClient, type HttpClientOptions } from '../net/index.js';
export type { Sample, SourceDocument, SourceUnit } from './contract.js';
export { CHUNK_BYTES, type CutOptions, type CutStats, createCutStats, cutDocument, MAX_SAMPLE_BYTES } from './cut.js';
export { fileUnit, listFiles } from './files.js';
export { type ResolveDeps, type ResolveOptions, resolveSources } from './resolve.js';
export { type SampleStreamOptions, sampleStream } from './sample-stream.js';
export { type SpreadOptions, spreadStream } from './spread-stream.js';
export { parseSynthetic, type SyntheticSpec, syntheticChunk, syntheticUnits } from './synthetic.js';
