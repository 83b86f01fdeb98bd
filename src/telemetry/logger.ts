import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { QuarryError } from '../errors/index.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /**
   * What each level is for. `error`: work was lost or the process ends. `warn`: something a person should look at, work
   * goes on. `info`: changes of state a person follows (started, epoch, hit, claim). `debug`: one record per unit of
   * work. `trace`: wire level.
   */
  readonly level: string;
  /** Path of the log file. Absent: nothing is written. */
  readonly file?: string | undefined;
}

/** Field names whose values are never written, at any depth up to three. */
const SECRET_FIELDS = ['secretKey', 'mnemonic', 'privateKey', 'decryptionKey', 'token', 'authorization', 'password'];
const REDACTED_PATHS = SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A structured logger, one JSON object a line. */
export function createLogger(options: LoggerOptions, stream?: DestinationStream): Logger {
  const enabled = options.file !== undefined || stream !== undefined;
  return pino(
    {
      level: enabled ? options.level : 'silent',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      serializers: {
        error: (error: unknown) =>
          error instanceof QuarryError ? error.toJSON() : pino.stdSerializers.err(error as Error),
      },
    },
    stream ??
      (options.file === undefined ? destination(1) : destination({ dest: options.file, mkdir: true, sync: false })),
  );
}
