import { nativeCapabilities } from '../../src/engine/native/index.js';

const capabilities = nativeCapabilities();

/** Every level this machine runs. A level it lacks is tested on a machine that has it. */
export const LEVELS = capabilities.available ? capabilities.usable : [];
