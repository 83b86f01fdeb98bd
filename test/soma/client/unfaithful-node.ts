import { status } from '@grpc/grpc-js';
import type { ObjectRef, SignedTransaction } from '../../../src/soma/chain/index.js';
import { executionRequest } from '../../../src/soma/client/execute/execution-request.js';
import { GrpcError, type SomaClient } from '../../../src/soma/client/index.js';

type Unary = SomaClient['context']['transport']['unary'];
type Call = (change?: { readonly swap?: SignedTransaction }) => Promise<unknown>;

/** Puts `answer` in the way of every call of one method; the real node is behind `call`. */
export function intercept(
  client: SomaClient,
  method: string,
  answer: (call: Call, request: unknown) => Promise<unknown>,
): void {
  const { transport } = client.context;
  const unary = transport.unary.bind(transport);
  transport.unary = ((called: { name: string }, request: never, control: never) => {
    const real = unary as unknown as (method: unknown, request: unknown, control: unknown) => Promise<unknown>;
    if (called.name !== method) return real(called, request, control);
    return answer(
      ({ swap } = {}) =>
        real(called, swap === undefined ? request : executionRequest(swap, ['effects', 'balance_changes']), control),
      request,
    );
  }) as unknown as Unary;
}

/** Fails the first `times` calls of one method with a status, as the node would. Counts all of them. */
export function failCalls(
  client: SomaClient,
  method: string,
  message: string,
  grpcCode: number = status.INVALID_ARGUMENT,
  times = Number.POSITIVE_INFINITY,
): { calls: number } {
  const counted = { calls: 0 };
  intercept(client, method, async (call) => {
    if (++counted.calls > times) return call();
    throw new GrpcError({ grpcCode, message, method: `/test/${method}`, fromServer: true });
  });
  return counted;
}

/** How the node says that an object has a newer version. */
export function staleRefusal({ objectId, version, digest }: ObjectRef): string {
  return `Object (${objectId}, Version(${version}), o#${digest}) is not available for consumption, its current version: Version(${version + 1n})`;
}
