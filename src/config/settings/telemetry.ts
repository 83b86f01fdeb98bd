import { LONGEST_WAIT_SECONDS } from '../longest-wait.js';
import type { Setting } from '../setting.js';

/** Settings of logs, the status line and the HTTP API. */
export const TELEMETRY_SETTINGS = {
  logLevel: {
    kind: 'string',
    env: 'QUARRY_LOG_LEVEL',
    flag: '--log-level <level>',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    help: 'lowest severity written to the log file',
  },
  logFile: {
    kind: 'string',
    env: 'QUARRY_LOG_FILE',
    flag: '--log-file <path>',
    help: 'structured log, one JSON object per line',
  },
  logRotateMib: {
    kind: 'number',
    env: 'QUARRY_LOG_ROTATE_MIB',
    flag: '--log-rotate-mib <n>',
    default: 64,
    min: 0,
    help: 'size at which the log file is rotated to <path>.1; 0: never',
  },
  logRotateHours: {
    kind: 'number',
    env: 'QUARRY_LOG_ROTATE_HOURS',
    flag: '--log-rotate-hours <n>',
    default: 0,
    min: 0,
    help: 'age at which the log file is rotated; 0: never',
  },
  logKeep: {
    kind: 'integer',
    env: 'QUARRY_LOG_KEEP',
    flag: '--log-keep <n>',
    default: 5,
    min: 1,
    max: 1_000,
    help: 'number of earlier log files kept',
  },
  statusSeconds: {
    kind: 'integer',
    env: 'QUARRY_STATUS_SECONDS',
    flag: '--status-seconds <n>',
    default: 60,
    min: 1,
    max: LONGEST_WAIT_SECONDS,
    help: 'interval of the status line',
  },
  statusFormat: {
    kind: 'string',
    env: 'QUARRY_STATUS_FORMAT',
    flag: '--status-format <template>',
    help: 'custom status line, such as "A {accepted} L {lost} {balance}"; an unknown field lists all',
  },
  apiPort: {
    kind: 'integer',
    env: 'QUARRY_API_PORT',
    flag: '--api-port <n>',
    former: { name: 'httpPort', flag: '--http-port <n>', env: 'QUARRY_HTTP_PORT' },
    min: 0,
    max: 65_535,
    help: 'dashboard, metrics, summary and control over HTTP',
  },
  apiHost: {
    kind: 'string',
    env: 'QUARRY_API_HOST',
    flag: '--api-host <address>',
    default: '127.0.0.1',
    help: 'interface of the HTTP API; beyond loopback QUARRY_API_TOKEN is needed',
  },
  apiToken: {
    kind: 'string',
    env: 'QUARRY_API_TOKEN',
    former: { name: 'httpToken', env: 'QUARRY_HTTP_TOKEN' },
    secret: true,
    help: 'bearer token of the HTTP API',
  },
} as const satisfies Record<string, Setting>;
