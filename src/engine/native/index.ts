export { ISA_BITS, type NativeCapabilities, nativeCapabilities } from './capabilities.js';
export { loadNativeCore, type NativeCore, nativeCorePath } from './core.js';
export {
  createNativeDistanceEngine,
  type MappedSelection,
  type NativeDistanceEngine,
  type NativeDistanceOptions,
} from './distance.js';
export { type IsaLevelProbe, isaLevels } from './isa-levels.js';
export {
  createNativeScoringEngine,
  type NativeScoringEngine,
  type NativeScoringOptions,
} from './scoring-engine.js';
