import { QuarryError } from '../../../errors/index.js';
import type { ExecutionFailure } from '../../../soma/chain/effects/index.js';

/** Aborts the execution of a transaction that was accepted and charged but fails. */
export class ExecutionStop extends QuarryError {
  override readonly name = 'ExecutionStop';
  readonly failure: ExecutionFailure;

  constructor(failure: ExecutionFailure) {
    super('EXECUTION_FAILED', failure.kind);
    this.failure = failure;
  }
}

/** @throws ExecutionStop always */
export function fail(failure: ExecutionFailure): never {
  throw new ExecutionStop(failure);
}
