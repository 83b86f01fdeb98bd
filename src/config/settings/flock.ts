import type { Setting } from '../setting.js';

/** The FLock network. */
export const FLOCK_SETTINGS = {
  flockApiKey: {
    kind: 'string',
    env: 'FLOCK_API_KEY',
    secret: true,
    help: 'arena key of train.flock.io; FLOCK_ARENA_API_KEY goes first',
  },
  flockBaseUrl: { kind: 'string', env: 'FLOCK_BASE_URL', help: 'FLock service to use instead of the public one' },
  flockGpuType: { kind: 'string', env: 'FLOCK_GPU_TYPE', help: 'GPU named in FLock submissions' },
} as const satisfies Record<string, Setting>;
