export { addonPath, loadAddon, type NativeAddon } from '../../native/addon.js';
export { ISA_BITS, type NativeCapabilities, nativeCapabilities } from '../../native/capabilities.js';
export { type IsaLevelProbe, isaLevels } from '../../native/probe-levels.js';
export {
  createNativeDistanceEngine,
  type MappedSelection,
  type NativeDistanceEngine,
  type NativeDistanceOptions,
} from './distance.js';
export {
  createNativeScoringEngine,
  type NativeScoringEngine,
  type NativeScoringOptions,
} from './scoring-engine.js';
