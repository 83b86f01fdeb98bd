import type { ErrorCode } from '../errors/index.js';

/** Hints for errors without one of their own, as from system calls and remote services. */
const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  USAGE: 'see --help',
  CONFIG_INVALID: 'check the settings: flags, environment, quarry.yaml',
  CONFIG_MISSING: 'add it as a flag, in the environment or in quarry.yaml',
  KEY_INVALID: 'a key is hex, base58, somaprivkey1… or a phrase',
  UNREACHABLE: 'check the address, and that the other side is running',
  TIMEOUT: 'try again, with a longer --timeout-seconds where it is slow, or check the address and the firewall',
  TLS: 'check the scheme of the URL and the certificate',
  NOT_FOUND: 'check the id and --network',
  RATE_LIMITED: 'wait a while and try again',
  OVERLOADED: 'wait a while and try again',
  REMOTE_FAILURE: 'try again; if it persists, the other side has a problem',
  INVALID_ARGUMENT: 'see --help',
  BCS_INVALID: 'the text may be truncated, or not a transaction',
  FILE_NOT_FOUND: 'check the path',
  FILE_UNREADABLE: 'check the path and its permissions',
  DATA_INVALID: 'check the contents of the file',
  WEIGHTS_INVALID: 'the file is damaged or not a safetensors file',
  CHECKSUM_MISMATCH: 'the host serves a different file than announced',
  SIZE_MISMATCH: 'the host serves a different file than announced',
  DISK_FULL: 'free some space, or choose another directory',
  STORE_LOCKED: 'another process uses the directory; stop it, or choose another --state-dir',
  OUTCOME_UNKNOWN: 'look it up: quarry tx show DIGEST',
};

/** Default hint for an error code. */
export function defaultHint(code: ErrorCode): string | undefined {
  return HINTS[code];
}
