import type { Config } from '../../config/index.js';
import { LogFile } from '../../telemetry/log-file.js';
import { createLogger, type Logger } from '../../telemetry/logger.js';
import type { CliContext } from '../context.js';
import type { MiningReporter } from './mining-reporter.js';

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;

/** Opens the log file of `--log-file`. Reopened on SIGHUP; write failures are reported to the user. */
export function openLog(
  context: CliContext,
  config: Pick<Config, 'logFile' | 'logLevel' | 'logRotateMib' | 'logRotateHours' | 'logKeep'>,
  reporter: Pick<MiningReporter, 'say'>,
): Logger {
  if (config.logFile === undefined) return createLogger({ level: config.logLevel });
  const file = new LogFile(config.logFile, {
    maxBytes: config.logRotateMib * MIB,
    maxAgeMs: config.logRotateHours * HOUR_MS,
    keep: config.logKeep,
    onState: ({ failing, dropped }) =>
      failing !== undefined
        ? reporter.say(`log       not written: ${failing}; mining continues`, 'log', { failing })
        : reporter.say(`log       written again; ${dropped} lines were lost`, 'log', { dropped }),
  });
  context.onHangup?.(() => file.reopen());
  return createLogger({ level: config.logLevel }, file);
}
