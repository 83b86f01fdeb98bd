import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { QuarryError } from '../../../src/errors/index.js';
import { readRejection } from '../../../src/soma/client/execute/rejection.js';
import { GrpcError } from '../../../src/soma/client/index.js';

const ID = `0x${'ab'.repeat(32)}`;
const REF = `(${ID}, Version(7), o#4XvHorxL6EMBeJreUiJzw3rf9at8FYEmSKSeH7tm4oMB)`;
const OTHER = '3VmUkwUKY5vzShwiRPUq21EnGdck6shhwwhrGj3AXaPe';
const WRAPPED = (text: string) =>
  `Transaction is rejected as invalid by more than 1/3 of validators by stake (non-retriable). Non-retriable errors: [${text} { k#1 } with 10000 stake].`;
const TIMED_OUT = (text: string) =>
  `Transaction timed out before finality could be reached. Attempts: 12 & timeout: 90s. Last error: Transaction processing aborted (retriable with another submission). Retriable errors: [${text} { k#1 } with 10000 stake].`;

const read = (grpcCode: number, message: string) =>
  readRejection(new GrpcError({ grpcCode, message, method: '/m', fromServer: true }), 'digest');

describe('what a failed execution call means', () => {
  const locked = `Object ${REF} already locked by a different transaction: TransactionDigest(${OTHER})`;
  const stale = `Object ${REF} is not available for consumption, its current version: Version(9)`;

  it.each([
    ['from the node', status.FAILED_PRECONDITION, locked],
    ['from validators', status.FAILED_PRECONDITION, WRAPPED(locked)],
  ])('reads a locked object %s', (_, code, text) => {
    const { outcome, error } = read(code, text);
    expect([outcome, error.code, error.retryable]).toEqual(['refused', 'OBJECT_LOCKED', true]);
    expect(error.details).toMatchObject({ objectId: ID, version: '7', lockedBy: OTHER });
  });

  it.each([
    ['from the node', status.INVALID_ARGUMENT, stale],
    ['from validators', status.INVALID_ARGUMENT, WRAPPED(stale)],
  ])('reads a stale object %s', (_, code, text) => {
    const { outcome, error } = read(code, text);
    expect([outcome, error.code]).toEqual(['refused', 'OBJECT_STALE']);
    expect(error.details).toMatchObject({ objectId: ID, version: '7', currentVersion: '9' });
  });

  it('knows its own lock', () => {
    const text = locked.replace(OTHER, 'CfNjCGdUAMg42FXYcs4ANc42T54Hr7pMfATfbf97gsq7');
    const own = new GrpcError({ grpcCode: 9, message: text, method: '/m', fromServer: true });
    expect(readRejection(own, 'CfNjCGdUAMg42FXYcs4ANc42T54Hr7pMfATfbf97gsq7').outcome).toBe('unknown');
    expect(readRejection(own, OTHER).outcome).toBe('refused');
  });

  it('reads an unknown version or digest, which the node holds back for its whole timeout', () => {
    for (const text of [
      `Could not find the referenced object ${ID} at version Some(Version(8))`,
      `Invalid Object digest for object ${ID}. Expected digest : o#4Xv`,
    ]) {
      const { outcome, error } = read(status.UNAVAILABLE, TIMED_OUT(text));
      expect([outcome, error.code, error.details['objectId']]).toEqual(['refused', 'OBJECT_STALE', ID]);
    }
  });

  it('reads a quorum that locked the objects without naming one', () => {
    const text =
      'Failed to sign transaction by a quorum of validators because of locked objects. Conflicting Transactions: …';
    const { outcome, error } = read(status.FAILED_PRECONDITION, text);
    expect([outcome, error.code, error.details['objectId']]).toEqual(['refused', 'OBJECT_LOCKED', undefined]);
  });

  it.each([
    [status.INVALID_ARGUMENT, 'Invalid user signature: Signature is not valid', 'SIGNATURE_INVALID'],
    [status.INVALID_ARGUMENT, 'invalid transaction: missing kind', 'TRANSACTION_REJECTED'],
    [status.UNIMPLEMENTED, 'no transaction executor', 'UNSUPPORTED'],
  ] as const)('refuses for good: %i %s', (code, text, expected) => {
    const { outcome, error } = read(code, text);
    expect([outcome, error.code]).toEqual(['refused', expected]);
  });

  it.each([
    [status.UNAVAILABLE, 'timed-out before finality could be reached'],
    [status.ALREADY_EXISTS, 'Transaction is already being processed in transaction orchestrator'],
    [status.ABORTED, 'The transaction is already finalized but with different user signatures'],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded'],
    [status.INTERNAL, 'conversion error'],
  ])('leaves the outcome unknown: %i %s', (code, text) => {
    expect(read(code, text).outcome).toBe('unknown');
  });

  it('knows that a request which was never sent did nothing', () => {
    expect(readRejection(new QuarryError('DATA_TOO_LARGE', 'x'), 'digest').outcome).toBe('refused');
  });
});

it('reads a foreign owner, although the node tries for 90 s and calls it a time-out', () => {
  const text =
    'The object was not signed by the correct sender: Object is owned by account address 0x1, but given owner/signer address is 0x2';
  const { outcome, error } = read(status.UNAVAILABLE, TIMED_OUT(text));
  expect([outcome, error.code]).toEqual(['refused', 'TRANSACTION_REJECTED']);
});
