import type { ErrorCode } from './codes.js';

/** What a code means to the person who meets it. */
export interface ErrorExplanation {
  readonly cause: string;
  readonly cure: string;
}

/** Cause and cure of every code; `docs/errors.md` is generated from it. */
export const ERROR_EXPLANATIONS: Readonly<Record<ErrorCode, ErrorExplanation>> = {
  USAGE: { cause: 'The command line does not parse.', cure: 'Read `quarry help COMMAND`.' },
  CONFIG_INVALID: { cause: 'A setting has a value it cannot take.', cure: 'Correct the setting the message names.' },
  CONFIG_MISSING: {
    cause: 'A required setting is absent.',
    cure: 'Set it by flag, environment or file, as the hint says.',
  },
  KEY_INVALID: {
    cause: 'A key or secret is malformed.',
    cure: 'Check that it was copied whole and is of the expected kind.',
  },
  KEY_FILE_UNSAFE: { cause: 'Other users can read a key file.', cure: '`chmod 600` the file.' },
  UNKNOWN_NETWORK: {
    cause: 'The network name is not one of the known ones.',
    cure: 'Name a network, or a fullnode: `--network https://…`.',
  },
  INVALID_ARGUMENT: {
    cause: 'An argument is out of range or of the wrong form.',
    cure: 'Correct the argument the message names.',
  },
  UNSUPPORTED: {
    cause: 'The operation does not exist here: on this platform, network or server.',
    cure: 'Use the alternative in the hint.',
  },
  UNREACHABLE: {
    cause: 'No connection to the other side.',
    cure: 'Check the address and the network; the call may be repeated.',
  },
  TLS: {
    cause: 'The TLS handshake or certificate failed.',
    cure: 'Check the certificate, the host name and the clock.',
  },
  TIMEOUT: { cause: 'No answer in time.', cure: 'Repeat, or raise the time-out.' },
  PROTOCOL: {
    cause: 'The answer does not follow the protocol.',
    cure: 'Check that the address is the service you mean and its version is supported.',
  },
  ADDRESS_REFUSED: {
    cause: 'A stranger named an address on a private or local network.',
    cure: 'Nothing to do: the guard worked. Your own services are named in your settings.',
  },
  TOO_MANY_REDIRECTS: { cause: 'The host redirects in circles.', cure: 'Use the final address.' },
  NOT_FOUND: { cause: 'The other side does not have it.', cure: 'Check the id; data may be pruned or not yet there.' },
  ALREADY_EXISTS: { cause: 'It exists already.', cure: 'Use the existing one or choose another name.' },
  UNAUTHENTICATED: { cause: 'Credentials are missing or not accepted.', cure: 'Set the key or log in again.' },
  PERMISSION_DENIED: { cause: 'The credentials do not allow this.', cure: 'Use an account that may.' },
  FAILED_PRECONDITION: {
    cause: 'The state of the other side does not allow this now.',
    cure: 'Bring it into the state the message names.',
  },
  RATE_LIMITED: { cause: 'Too many requests.', cure: 'Wait as long as the answer says; callers with retries do.' },
  OVERLOADED: { cause: 'The service has no capacity now.', cure: 'Repeat later, or use another fullnode.' },
  REMOTE_FAILURE: { cause: 'The service failed.', cure: 'Repeat later; if it stays, report it to its operator.' },
  REMOTE_REJECTED: { cause: 'The service refused the request.', cure: 'Correct what its message names.' },
  CONFLICT: { cause: 'Another change came first.', cure: 'Read the state again and repeat.' },
  BCS_INVALID: {
    cause: 'Bytes do not decode as the type they should be.',
    cure: 'Check where they come from; they may be cut.',
  },
  SIGNATURE_INVALID: { cause: 'A signature does not verify.', cure: 'Sign with the key of the sender.' },
  TRANSACTION_REJECTED: { cause: 'The network refuses the transaction.', cure: 'Correct it and sign again.' },
  OBJECT_LOCKED: {
    cause: 'Another transaction holds the object, perhaps until the epoch ends.',
    cure: 'Use another coin.',
  },
  OBJECT_STALE: { cause: 'The object has a newer version.', cure: 'Read it again and sign anew.' },
  EXECUTION_FAILED: {
    cause: 'The transaction was executed and failed; its fee is spent.',
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
    cause: 'Bytes are not those that were promised.',
    cure: 'Fetch again, from another source if there is one.',
  },
  SIZE_MISMATCH: {
    cause: 'More or fewer bytes than promised.',
    cure: 'Fetch again, from another source if there is one.',
  },
  WEIGHTS_INVALID: {
    cause: 'A weights file is not what its architecture requires.',
    cure: 'Check the file and the key it was decrypted with.',
  },
  DATA_INVALID: { cause: 'Data does not have the expected form.', cure: 'Correct the part the message names.' },
  DATA_TOO_LARGE: {
    cause: 'Data exceeds a limit of the protocol or of this program.',
    cure: 'Cut it, or raise the limit where it is yours.',
  },
  DATA_EMPTY: { cause: 'There is nothing to score or send.', cure: 'Name data that has content.' },
  FILE_NOT_FOUND: { cause: 'The file does not exist.', cure: 'Check the path.' },
  FILE_UNREADABLE: { cause: 'The file cannot be read or written.', cure: 'Check its permissions and the disk.' },
  DISK_FULL: { cause: 'The disk is full.', cure: 'Free space and start again: mining goes on where it stopped.' },
  STORE_CORRUPT: {
    cause: 'A file of the state directory is damaged.',
    cure: 'Follow the hint: what can be made again is made again.',
  },
  STORE_LOCKED: { cause: 'Another process writes to the state directory.', cure: 'Stop it, or use another directory.' },
  ENGINE_UNAVAILABLE: {
    cause: 'A compute engine is not built or not supported here.',
    cure: '`quarry doctor` says what is missing.',
  },
  ENGINE_FAILED: { cause: 'A compute engine failed.', cure: 'Try another engine; report it if it repeats.' },
  NON_FINITE: {
    cause: 'A model produced NaN or infinity.',
    cure: 'The model is unusable for this data; others go on.',
  },
  ABORTED: { cause: 'You stopped it.', cure: 'Nothing.' },
  INTERNAL: { cause: 'A fault of Quarry.', cure: 'Report it with the command and the message.' },
};
