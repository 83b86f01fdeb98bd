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

/** All settings by group, in the order of the command reference. */
export const SETTING_GROUPS = {
  'Network and keys': SOMA_SETTINGS,
  'Data and samples': SAMPLE_SETTINGS,
  FLock: FLOCK_SETTINGS,
  AITBC: AITBC_SETTINGS,
  Computation: COMPUTE_SETTINGS,
  Fleets: FLEET_SETTINGS,
  Mining: MINING_SETTINGS,
  'Hosting submitted data': HOSTING_SETTINGS,
  'Logs, metrics and the HTTP API': TELEMETRY_SETTINGS,
  Notifications: NOTIFY_SETTINGS,
} as const satisfies Record<string, Record<string, Setting>>;

/** All settings in one table, shared by the config file, the environment and the flags. */
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
