import type { Setting } from '../setting.js';
import { AITBC_SETTINGS } from './aitbc.js';
import { COMPUTE_SETTINGS } from './compute.js';
import { FLEET_SETTINGS } from './fleet.js';
import { FLOCK_SETTINGS } from './flock.js';
import { HOSTING_SETTINGS } from './hosting.js';
import { MINING_SETTINGS } from './mining.js';
import { NOTIFY_SETTINGS } from './notify.js';
import { SAMPLE_SETTINGS } from './samples.js';
import { SOMA_SETTINGS } from './soma.js';
import { TELEMETRY_SETTINGS } from './telemetry.js';

/**
 * Everything a user can set: the config file's keys, the environment and the flags share it. Listed in this order by
 * the command reference.
 */
export const SETTINGS = {
  ...SOMA_SETTINGS,
  ...SAMPLE_SETTINGS,
  ...FLOCK_SETTINGS,
  ...AITBC_SETTINGS,
  ...COMPUTE_SETTINGS,
  ...FLEET_SETTINGS,
  ...MINING_SETTINGS,
  ...HOSTING_SETTINGS,
  ...TELEMETRY_SETTINGS,
  ...NOTIFY_SETTINGS,
} as const satisfies Record<string, Setting>;

/** A key of {@link SETTINGS}. */
export type SettingName = keyof typeof SETTINGS;
