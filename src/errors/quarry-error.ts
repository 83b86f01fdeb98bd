import { ERROR_CODES, type ErrorCode } from './codes.js';

/** Optional fields of a {@link QuarryError}. */
export interface QuarryErrorOptions {
  /** What the user can do about it, as one sentence. Printed after `hint:`. */
  readonly hint?: string | undefined;
  /** Named values that explain the failure. Must not contain keys, tokens or signed links. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The underlying error. */
  readonly cause?: unknown | undefined;
  /** Overrides the code's default: whether the same call may succeed later, unchanged. */
  readonly retryable?: boolean | undefined;
}

/** Every failure reported by this library. Branch on {@link QuarryError.code}, never on the message. */
export class QuarryError extends Error {
  override readonly name: string = 'QuarryError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: NonNullable<QuarryErrorOptions['details']>;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: QuarryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
  }

  /** Exit status of the command line: 1 failure, 2 usage, 3 configuration, 4 network, 130 interrupted. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }

  /** The error as plain data, for `--json` and logs. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      ...(Object.keys(this.details).length > 0 && {
        details: Object.fromEntries(
          Object.entries(this.details).map(([key, value]) => [
            key,
            typeof value === 'bigint' ? value.toString() : value,
          ]),
        ),
      }),
      retryable: this.retryable,
    };
  }
}
