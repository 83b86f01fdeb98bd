import type { ScoringEngine } from '../../src/engine/index.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';

/** An engine whose scores do not depend on the machine's best precision: all members of a fleet agree. */
export function f32Engine(): ScoringEngine {
  return createNativeScoringEngine({ precision: 'f32', threads: 1 });
}
