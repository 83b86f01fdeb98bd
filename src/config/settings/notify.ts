import type { Setting } from '../setting.js';

/** A webhook that tells a person who does not watch. */
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
    help: 'shape of what the webhook in QUARRY_NOTIFY_URL is sent',
  },
  notifyQuietMinutes: {
    kind: 'number',
    env: 'QUARRY_NOTIFY_QUIET_MINUTES',
    flag: '--notify-quiet-minutes <n>',
    default: 60,
    min: 0,
    help: 'how long a kind of notice is not sent again',
  },
  notifyIdleMinutes: {
    kind: 'number',
    env: 'QUARRY_NOTIFY_IDLE_MINUTES',
    flag: '--notify-idle-minutes <n>',
    default: 30,
    min: 0,
    help: 'nothing accepted for so long while others fill targets is worth a notice',
  },
} as const satisfies Record<string, Setting>;
