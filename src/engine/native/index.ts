export { loadAddon } from '../../native/addon.js';
export { type NativeCapabilities, nativeCapabilities } from '../../native/capabilities.js';
export { isaLevels } from '../../native/probe-levels.js';
export {
  createNativeDistanceEngine,
  type NativeDistanceEngine,
  type NativeDistanceOptions,
} from './distance.js';
export {
  createNativeScoringEngine,
  type NativeScoringEngine,
  type NativeScoringOptions,
} from './scoring-engine.js';
