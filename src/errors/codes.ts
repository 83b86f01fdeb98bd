/**
 * The closed list of error codes. Programs branch on the code; the message is for people and may change. `exit` is the
 * command line's exit status; `retryable` says whether the same call may succeed later without any change by the
 * caller.
 */
export const ERROR_CODES = {
  // Caller errors.
  USAGE: { exit: 2, retryable: false },
  CONFIG_INVALID: { exit: 3, retryable: false },
  CONFIG_MISSING: { exit: 3, retryable: false },
  KEY_INVALID: { exit: 3, retryable: false },
  KEY_FILE_UNSAFE: { exit: 3, retryable: false },
  UNKNOWN_NETWORK: { exit: 3, retryable: false },
  INVALID_ARGUMENT: { exit: 1, retryable: false },
  UNSUPPORTED: { exit: 1, retryable: false },

  // Connectivity.
  UNREACHABLE: { exit: 4, retryable: true },
  TLS: { exit: 4, retryable: false },
  TIMEOUT: { exit: 4, retryable: true },
  PROTOCOL: { exit: 1, retryable: false },
  ADDRESS_REFUSED: { exit: 1, retryable: false },
  TOO_MANY_REDIRECTS: { exit: 1, retryable: false },

  // Responses from the other side.
  NOT_FOUND: { exit: 1, retryable: false },
  ALREADY_EXISTS: { exit: 1, retryable: false },
  UNAUTHENTICATED: { exit: 3, retryable: false },
  PERMISSION_DENIED: { exit: 1, retryable: false },
  FAILED_PRECONDITION: { exit: 1, retryable: false },
  RATE_LIMITED: { exit: 1, retryable: true },
  OVERLOADED: { exit: 1, retryable: true },
  REMOTE_FAILURE: { exit: 1, retryable: true },
  REMOTE_REJECTED: { exit: 1, retryable: false },
  CONFLICT: { exit: 1, retryable: true },

  // Chain.
  BCS_INVALID: { exit: 1, retryable: false },
  SIGNATURE_INVALID: { exit: 1, retryable: false },
  TRANSACTION_REJECTED: { exit: 1, retryable: false },
  OBJECT_LOCKED: { exit: 1, retryable: true },
  OBJECT_STALE: { exit: 1, retryable: true },
  EXECUTION_FAILED: { exit: 1, retryable: false },
  INSUFFICIENT_FUNDS: { exit: 1, retryable: false },
  OUTCOME_UNKNOWN: { exit: 1, retryable: true },

  // Data at rest and in transit.
  CHECKSUM_MISMATCH: { exit: 1, retryable: true },
  SIZE_MISMATCH: { exit: 1, retryable: true },
  WEIGHTS_INVALID: { exit: 1, retryable: false },
  DATA_INVALID: { exit: 1, retryable: false },
  DATA_TOO_LARGE: { exit: 1, retryable: false },
  DATA_EMPTY: { exit: 1, retryable: false },
  FILE_NOT_FOUND: { exit: 1, retryable: false },
  FILE_UNREADABLE: { exit: 1, retryable: false },
  DISK_FULL: { exit: 1, retryable: true },
  STORE_CORRUPT: { exit: 1, retryable: false },
  STORE_LOCKED: { exit: 1, retryable: true },

  // Compute.
  ENGINE_UNAVAILABLE: { exit: 1, retryable: false },
  ENGINE_FAILED: { exit: 1, retryable: false },
  NON_FINITE: { exit: 1, retryable: false },

  // This process.
  ABORTED: { exit: 130, retryable: false },
  INTERNAL: { exit: 1, retryable: false },
} as const;

/** One of the codes in {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
