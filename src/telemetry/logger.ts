import { type DestinationStream, type Logger, pino } from 'pino';
import { QuarryError } from '../errors/index.js';
import { decimalAmounts } from './decimal-amounts.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /**
   * Log level. `error`: work was lost or the process ends. `warn`: needs attention, but work continues. `info`: state
   * changes (started, epoch, hit, claim). `debug`: one record per unit of work. `trace`: wire level.
   */
  readonly level: string;
}

/** Fields whose values are redacted, up to three levels deep. */
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

/** Creates a structured logger that writes one JSON object per line to `stream`; without a stream, logs nothing. */
export function createLogger(options: LoggerOptions, stream?: DestinationStream): Logger {
  return pino(
    {
      level: stream === undefined ? 'silent' : options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Level names instead of numbers, so that log readers need not know pino.
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
