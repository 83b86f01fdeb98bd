import { LONGEST_WAIT_SECONDS } from '../longest-wait.js';
import type { Setting } from '../setting.js';

/** Settings of the webhook that alerts an operator. */
export const NOTIFY_SETTINGS = {
  notifyUrl: {
    kind: 'string',
    env: 'QUARRY_NOTIFY_URL',
    secret: true,
    help: 'webhook called for lost nodes, a low balance, idleness, full disks, unsupported protocols',
  },
  notifyTemplate: {
    kind: 'string',
    env: 'QUARRY_NOTIFY_TEMPLATE',
    flag: '--notify-template <name>',
    default: 'json',
    choices: ['json', 'slack', 'discord', 'telegram'],
    help: 'format of messages to the webhook in QUARRY_NOTIFY_URL',
  },
  notifyQuietMinutes: {
    kind: 'number',
    env: 'QUARRY_NOTIFY_QUIET_MINUTES',
    flag: '--notify-quiet-minutes <n>',
    default: 60,
    min: 0,
    max: LONGEST_WAIT_SECONDS / 60,
    help: 'minimum time between two notices of a kind',
  },
  notifyIdleMinutes: {
    kind: 'number',
    env: 'QUARRY_NOTIFY_IDLE_MINUTES',
    flag: '--notify-idle-minutes <n>',
    default: 30,
    min: 0,
    max: LONGEST_WAIT_SECONDS / 60,
    help: 'send a notice if nothing was accepted for this long while others filled targets',
  },
} as const satisfies Record<string, Setting>;
