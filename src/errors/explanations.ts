import type { ErrorCode } from './codes.js';

/** Explanation of an error code for users. */
export interface ErrorExplanation {
  readonly cause: string;
  readonly cure: string;
}

/** Cause and cure of each code; `docs/errors.md` is generated from this table. */
export const ERROR_EXPLANATIONS: Readonly<Record<ErrorCode, ErrorExplanation>> = {
  USAGE: { cause: 'The command line is invalid.', cure: 'See `quarry help COMMAND`.' },
  CONFIG_INVALID: {
    cause: 'A setting has an invalid value, or does not suit the network, such as a URL that leads to another chain.',
    cure: 'Correct the setting named in the message.',
  },
  CONFIG_MISSING: {
    cause: 'A required setting is absent.',
    cure: 'Set it by flag, environment or file, as the hint says.',
  },
  KEY_INVALID: {
    cause: 'A key or secret is malformed.',
    cure: 'Check that it was copied completely and is of the expected kind.',
  },
  KEY_FILE_UNSAFE: { cause: 'Other users can read a key file.', cure: '`chmod 600` the file.' },
  UNKNOWN_NETWORK: {
    cause: 'The network name is unknown.',
    cure: 'Name a network, or a fullnode: `--network https://…`.',
  },
  INVALID_ARGUMENT: {
    cause: 'An argument is out of range or of the wrong form.',
    cure: 'Correct the argument named in the message.',
  },
  UNSUPPORTED: {
    cause: 'The operation does not exist here: on this platform, network or server.',
    cure: 'Use the alternative in the hint.',
  },
  UNREACHABLE: {
    cause: 'The server cannot be reached.',
    cure: 'Check the address and the network; retrying is safe.',
  },
  TLS: {
    cause: 'The TLS handshake or certificate failed.',
    cure: 'Check the certificate, the host name and the clock.',
  },
  TIMEOUT: { cause: 'No answer in time.', cure: 'Retry, or raise the time-out.' },
  PROTOCOL: {
    cause: 'The answer does not follow the protocol.',
    cure: 'Check that the address is the intended service and that its version is supported.',
  },
  ADDRESS_REFUSED: {
    cause: 'An untrusted source named an address on a private or local network.',
    cure: 'Nothing to do: the guard worked. Name your own services in the settings.',
  },
  TOO_MANY_REDIRECTS: { cause: 'The host redirects in circles.', cure: 'Use the final address.' },
  NOT_FOUND: { cause: 'The server does not have it.', cure: 'Check the id; data may be pruned or not yet available.' },
  ALREADY_EXISTS: { cause: 'It already exists.', cure: 'Use the existing one or choose another name.' },
  UNAUTHENTICATED: { cause: 'Credentials are missing or were rejected.', cure: 'Set the key or log in again.' },
  PERMISSION_DENIED: { cause: 'The credentials do not allow this.', cure: 'Use an account with permission.' },
  FAILED_PRECONDITION: {
    cause: 'The current state of the server does not allow this.',
    cure: 'Establish the state named in the message.',
  },
  RATE_LIMITED: { cause: 'Too many requests.', cure: 'Wait as long as the answer says; automatic retries do.' },
  OVERLOADED: { cause: 'The service has no capacity at the moment.', cure: 'Retry later, or use another fullnode.' },
  REMOTE_FAILURE: { cause: 'The service failed.', cure: 'Retry later; if it persists, report it to the operator.' },
  REMOTE_REJECTED: { cause: 'The service refused the request.', cure: 'Correct what the message names.' },
  CONFLICT: { cause: 'Another change came first.', cure: 'Read the state again and retry.' },
  BCS_INVALID: {
    cause: 'Bytes do not decode as the expected type.',
    cure: 'Check their origin; they may be truncated.',
  },
  SIGNATURE_INVALID: { cause: 'A signature does not verify.', cure: 'Sign with the key of the sender.' },
  TRANSACTION_REJECTED: { cause: 'The network refuses the transaction.', cure: 'Correct it and sign again.' },
  OBJECT_LOCKED: {
    cause: 'Another transaction holds the object, perhaps until the epoch ends.',
    cure: 'Use another coin.',
  },
  OBJECT_STALE: { cause: 'The object has a newer version.', cure: 'Read it again and sign again.' },
  EXECUTION_FAILED: {
    cause: 'The transaction was executed but failed; its fee is spent.',
    cure: 'The failure kind in the details says what to change.',
  },
  INSUFFICIENT_FUNDS: {
    cause: 'The balance does not cover bond, amount or fee.',
    cure: 'Fund the address, or wait for bonds to return.',
  },
  OUTCOME_UNKNOWN: {
    cause: 'It is not known whether a transaction was executed.',
    cure: 'Nothing to do: the signed bytes are kept and the outcome is recovered by digest.',
  },
  CHECKSUM_MISMATCH: {
    cause: 'The bytes do not match their checksum.',
    cure: 'Fetch again, from another source if possible.',
  },
  SIZE_MISMATCH: {
    cause: 'There are more or fewer bytes than announced.',
    cure: 'Fetch again, from another source if possible.',
  },
  WEIGHTS_INVALID: {
    cause: 'A weights file does not match its architecture.',
    cure: 'Check the file and the key it was decrypted with.',
  },
  DATA_INVALID: { cause: 'Data does not have the expected form.', cure: 'Correct the part named in the message.' },
  DATA_TOO_LARGE: {
    cause: 'Data exceeds a limit of the protocol or of this program.',
    cure: 'Cut it, or raise the limit if you can.',
  },
  DATA_EMPTY: { cause: 'There is nothing to score or send.', cure: 'Give data that is not empty.' },
  FILE_NOT_FOUND: { cause: 'The file does not exist.', cure: 'Check the path.' },
  FILE_UNREADABLE: { cause: 'The file cannot be read or written.', cure: 'Check its permissions and the disk.' },
  DISK_FULL: {
    cause: 'The disk is full.',
    cure: 'Free some space: `quarry mine` pauses until there is room, other commands are run again.',
  },
  STORE_CORRUPT: {
    cause: 'A file of the state directory is damaged.',
    cure: 'Follow the hint: everything that can be rebuilt is rebuilt.',
  },
  STORE_LOCKED: { cause: 'Another process writes to the state directory.', cure: 'Stop it, or use another directory.' },
  ENGINE_UNAVAILABLE: {
    cause: 'A compute engine is not built or not supported here.',
    cure: '`quarry doctor` says what is missing.',
  },
  ENGINE_FAILED: { cause: 'A compute engine failed.', cure: 'Try another engine; report it if it repeats.' },
  NON_FINITE: {
    cause: 'A model produced NaN or infinity.',
    cure: 'The model is unusable for this data; others continue.',
  },
  ABORTED: { cause: 'It was stopped by the user.', cure: 'Nothing to do.' },
  INTERNAL: { cause: 'A bug in Quarry.', cure: 'Report it with the command and the message.' },
};
