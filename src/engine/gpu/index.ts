export {
  createGpuDistanceEngine,
  type GpuDistanceEngine,
  type GpuDistanceEngineOptions,
  type ResidentRows,
} from './gpu-distance-engine.js';
export type { GpuMode } from './gpu-js.js';
export { probeWebGpu, type WebGpuProbe } from './webgpu.js';
