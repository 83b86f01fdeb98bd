import type { Setting } from '../setting.js';

/** Settings of the FLock network. */
export const FLOCK_SETTINGS = {
  flockApiKey: {
    kind: 'string',
    // Preferred over the former name, which inference platform keys also use.
    env: 'FLOCK_ARENA_API_KEY',
    former: { env: 'FLOCK_API_KEY' },
    secret: true,
    help: 'arena key of train.flock.io; FLOCK_API_KEY is also accepted',
  },
  flockBaseUrl: { kind: 'string', env: 'FLOCK_BASE_URL', help: 'FLock service to use instead of the public one' },
  flockGpuType: { kind: 'string', env: 'FLOCK_GPU_TYPE', help: 'GPU named in FLock submissions' },
} as const satisfies Record<string, Setting>;
