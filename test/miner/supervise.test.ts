import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import { supervise } from '../../src/miner/run/supervise.js';
import { GrpcError } from '../../src/soma/client/transport/grpc-error.js';
import { OtherChainError } from '../../src/soma/client/transport/index.js';

/** A loop whose first round fails with `failure`; returns what was told and whether it came round again. */
async function once(failure: QuarryError, outlivesNodes: boolean) {
  const told: string[] = [];
  let rounds = 0;
  const body = async (): Promise<void> => {
    if (rounds++ === 0) throw failure;
  };
  const handling = { onFailure: (e: QuarryError) => told.push(e.code), mend: async () => false, outlivesNodes };
  await supervise('following', body, handling, new AbortController().signal);
  return { told, rounds };
}

/** Rounds of a loop that fails so often in a row. */
async function failures(count: number, failure: QuarryError): Promise<number> {
  let rounds = 0;
  const body = async (): Promise<void> => {
    if (rounds++ < count) throw failure;
  };
  const handling = { onFailure: () => {}, mend: async () => false, outlivesNodes: true };
  await supervise('following', body, handling, new AbortController().signal);
  return rounds;
}

const answered = (grpcCode: number): GrpcError =>
  new GrpcError({ grpcCode, message: 'x', method: '/soma.rpc.StateService/ListTargets', fromServer: true });

describe('supervise', () => {
  const statuses = Object.values(status).filter((code): code is number => typeof code === 'number' && code > 0);

  it.concurrent.each(statuses)('goes on after gRPC status %i once the start was good', async (code) => {
    const { told, rounds } = await once(answered(code), true);
    expect(told).toHaveLength(1);
    expect(rounds).toBe(2);
  });

  it.concurrent('takes a cancelled call of the other side for a lost node, not for our own stop', async () => {
    expect(answered(status.CANCELLED)).toMatchObject({ code: 'UNREACHABLE', retryable: true });
    expect((await once(answered(status.CANCELLED), false)).rounds).toBe(2);
  });

  it.concurrent('ends when every answer is for another chain, not for whatever else a node says to be otherwise', async () => {
    const other = new OtherChainError('the fullnode has changed to another chain', {});
    const otherwise = new QuarryError('CONFIG_INVALID', 'embeddings have another width');
    const [passing, lasting, outlived] = await Promise.allSettled([
      failures(5, other),
      failures(6, other),
      failures(7, otherwise),
    ]);
    expect(passing).toMatchObject({ value: 6 });
    expect(lasting).toMatchObject({ reason: other });
    expect(outlived).toMatchObject({ value: 8 });
  });

  it.concurrent('still ends at the start, and for a fault of our own at any time', async () => {
    await expect(once(answered(status.PERMISSION_DENIED), false)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    const own = new QuarryError('INTERNAL', 'a fault of our own');
    await expect(once(own, true)).rejects.toBe(own);
  });
});
