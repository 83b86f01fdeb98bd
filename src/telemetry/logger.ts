import { type DestinationStream, type Logger, pino } from 'pino';
import { QuarryError } from '../errors/index.js';
import { decimalAmounts } from './decimal-amounts.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /**
   * What each level is for. `error`: work was lost or the process ends. `warn`: something a person should look at, work
   * goes on. `info`: changes of state a person follows (started, epoch, hit, claim). `debug`: one record per unit of
   * work. `trace`: wire level.
   */
  readonly level: string;
}

/** Field names whose values are never written, at any depth up to three. */
const SECRET_FIELDS = [
  'secretKey',
  'mnemonic',
  'privateKey',
  'decryptionKey',
  'token',
  'authorization',
  'password',
  'notifyUrl',
];
const REDACTED_PATHS = SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A structured logger, one JSON object per line, onto `stream`; without one nothing is written. */
export function createLogger(options: LoggerOptions, stream?: DestinationStream): Logger {
  return pino(
    {
      level: stream === undefined ? 'silent' : options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Names instead of numbers: what reads the log need not know pino.
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => decimalAmounts(fields) as Record<string, unknown>,
      },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      serializers: {
        error: (error: unknown) =>
          error instanceof QuarryError ? decimalAmounts(error.toJSON()) : pino.stdSerializers.err(error as Error),
      },
    },
    stream ?? { write: () => {} },
  );
}
