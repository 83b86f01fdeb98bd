export {
  createGpuDistanceEngine,
  type GpuDistanceEngine,
  type GpuDistanceEngineOptions,
} from './gpu-distance-engine.js';
export type { GpuMode } from './gpu-js.js';
export type { WebGpuProbe } from './request-adapter.js';
export type { ResidentRows } from './row-blocks.js';
export { distanceSlack } from './search-blocks.js';
export { probeWebGpu, type WebGpuProbeOptions } from './webgpu.js';
