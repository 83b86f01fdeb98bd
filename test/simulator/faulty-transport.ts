import { setMaxListeners } from 'node:events';
import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type ServiceError, status } from '@grpc/grpc-js';
import { RpcStatus } from '../../src/devnet/soma/rpc/rpc-status.js';
import { QuarryError } from '../../src/errors/index.js';
import {
  type ExecuteTransactionRequest,
  TransactionExecutionService,
} from '../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { transactionDigest } from '../../src/soma/chain/transaction/index.js';
import { transactionFromRpc } from '../../src/soma/chain/wire/index.js';
import { fromServiceError, GrpcError } from '../../src/soma/client/transport/grpc-error.js';
import type { RpcCallOptions, RpcTransport } from '../../src/soma/client/transport/rpc-transport.js';
import { staleRefusal } from '../soma/client/unfaithful-node.js';
import { CoinsInFlight } from './coins-in-flight.js';
import type { Lifeline } from './lifeline.js';
import type { SimulatedNetwork } from './network.js';
import { Outages } from './outages.js';
import type { VirtualClock } from './virtual-clock.js';

/** Probability of each fault, 0 to 1. */
export interface Faults {
  readonly lostRequest: number;
  readonly lostAnswer: number;
  /** The call reaches the node twice. */
  readonly twice: number;
  /** No answer at all until the deadline. */
  readonly silent: number;
  /** Per transaction: every call fails until its first copy arrives, much later. */
  readonly held: number;
  /** Per call for a transaction that was executed before: it is refused, because its coin has a newer version. */
  readonly echo: number;
  /** Per message of a stream. */
  readonly brokenStream: number;
  /** The longest outage of all nodes, milliseconds: longer than a client keeps retrying. */
  readonly longestOutageMs: number;
  /** Maximum latency in each direction, milliseconds. */
  readonly latencyMs: number;
}

export interface FaultyTransportDeps {
  readonly network: SimulatedNetwork;
  readonly clock: VirtualClock;
  readonly lifeline: Lifeline;
  readonly random: () => number;
  readonly faults: Faults;
}

type Method = DescMethodUnary | DescMethodServerStreaming;
type Handler = (request: unknown, stream?: unknown) => unknown;

const EXECUTE = TransactionExecutionService.method.executeTransaction;
const UNARY_TIMEOUT_MS = 30_000;
/** How long a copy is held up on the way. */
const LEAST_HELD_MS = 20_000;
const MOST_HELD_MS = 80_000;
/** What a call may end with whose answer was lost: none says whether it was executed. */
const LOST = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED, status.INTERNAL, status.UNKNOWN];

/** Puts the simulated network in the place of a transport's sockets. */
export function replaceSockets(transport: RpcTransport, deps: FaultyTransportDeps): void {
  const calls = new FaultyCalls(deps);
  const replaced = {
    unary: async (method: DescMethodUnary, request: unknown, options: RpcCallOptions = {}) =>
      fromBinary(method.output, await calls.unary(method, request, options)),
    unaryWith: async (
      method: DescMethodUnary,
      request: unknown,
      decode: (bytes: Uint8Array) => unknown,
      options: RpcCallOptions = {},
    ) => decode(await calls.unary(method, request, options)),
    serverStream: (method: DescMethodServerStreaming, request: unknown, options: RpcCallOptions = {}) =>
      calls.stream(method, request, options),
    useThread: () => {},
  };
  Object.assign(transport, replaced);
}

class FaultyCalls {
  readonly #deps: FaultyTransportDeps;
  readonly #outages: Outages;
  readonly #coins = new CoinsInFlight();

  constructor(deps: FaultyTransportDeps) {
    this.#deps = deps;
    this.#outages = new Outages(deps.faults.longestOutageMs, deps.clock.now(), deps.random);
  }

  async unary(method: Method, request: unknown, options: RpcCallOptions): Promise<Uint8Array> {
    const { clock } = this.#deps;
    const attempts = options.attempts ?? 3;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(method, request, options);
      } catch (error) {
        const isPassing = error instanceof QuarryError && error.retryable;
        if (attempt >= attempts || !isPassing || options.signal?.aborted) throw error;
        await clock.sleep(100 * attempt);
      }
    }
  }

  async #once(method: Method, request: unknown, options: RpcCallOptions): Promise<Uint8Array> {
    const { lifeline, clock } = this.#deps;
    if (lifeline.dead) return new Promise(() => {});
    lifeline.step();
    options.onSent?.(clock.now());
    const over = new AbortController();
    const timeout = clock.sleep(options.timeoutMs || UNARY_TIMEOUT_MS, over.signal).then(() => {
      throw this.#made(method, status.DEADLINE_EXCEEDED);
    });
    timeout.catch(() => {});
    const given = aborted(options.signal, over.signal);
    const end = method === EXECUTE ? this.#nameCoins(request) : undefined;
    const travelling = Promise.race([this.#travel(method, request), timeout, given]).finally(() => {
      over.abort();
      end?.();
    });
    return lifeline.hear(travelling);
  }

  /** Watches over the coins of a call that begins; returns what ends it. */
  #nameCoins(request: unknown): () => void {
    const data = sentTransaction(request);
    const digest = transactionDigest(data);
    const { end, taken } = this.#coins.begin(digest, data.gasPayment);
    for (const coin of taken) this.#deps.network.fates.faults.push(`${digest} names ${coin}, as one in flight does`);
    return end;
  }

  /** There and back, as far as it goes. */
  async #travel(method: Method, request: unknown): Promise<Uint8Array> {
    const { clock, random, faults } = this.#deps;
    const latency = (): number => random() * faults.latencyMs;
    const fate = random();
    await clock.sleep(latency());
    if (this.#isOut()) throw this.#made(method, status.UNAVAILABLE);
    let edge = faults.lostRequest;
    if (fate < edge) throw this.#made(method, status.UNAVAILABLE);
    edge += faults.silent;
    if (fate < edge) return new Promise(() => {});
    edge += faults.twice;
    if (fate < edge) {
      const again = clock.sleep(latency()).then(() => this.#arrive(method, request));
      again.catch(() => {});
    }
    const answer = this.#arrive(method, request);
    answer.catch(() => {});
    const isLost = random() < faults.lostAnswer;
    await clock.sleep(latency());
    if (isLost) throw this.#made(method, LOST[Math.floor(random() * LOST.length)] ?? status.UNKNOWN);
    return answer;
  }

  #arrive(method: Method, request: unknown): Promise<Uint8Array> {
    return method === EXECUTE ? this.#execute(request) : this.#answer(method, request);
  }

  async #execute(request: unknown): Promise<Uint8Array> {
    const { clock, random, faults, network } = this.#deps;
    const { heldUntil, executed, played } = network.fates;
    const data = sentTransaction(request);
    const digest = transactionDigest(data);
    const deliver = async (): Promise<Uint8Array> => {
      const answer = await this.#answer(EXECUTE, request);
      executed.add(digest);
      return answer;
    };
    if (!heldUntil.has(digest)) {
      const delay = random() < faults.held ? LEAST_HELD_MS + random() * (MOST_HELD_MS - LEAST_HELD_MS) : 0;
      heldUntil.set(digest, delay === 0 ? 0 : clock.now() + delay);
      if (delay > 0) {
        played.held++;
        clock
          .sleep(delay)
          .then(deliver)
          .catch(() => {});
      }
    }
    if (clock.now() < (heldUntil.get(digest) ?? 0)) throw this.#made(EXECUTE, status.UNAVAILABLE);
    const [coin] = data.gasPayment;
    if (coin !== undefined && executed.has(digest) && random() < faults.echo) {
      played.echo++;
      const message = staleRefusal(coin);
      throw new GrpcError({ grpcCode: status.INVALID_ARGUMENT, message, method: pathOf(EXECUTE), fromServer: true });
    }
    return deliver();
  }

  async #answer(method: Method, request: unknown): Promise<Uint8Array> {
    try {
      const sent = requestOf(method, request);
      const answer = await this.#handler(method)(sent);
      return toBinary(method.output, answer as MessageShape<DescMessage>);
    } catch (error) {
      throw fromServiceError(RpcStatus.from(error).toServiceError() as ServiceError, pathOf(method), true);
    }
  }

  async *stream(method: Method, request: unknown, options: RpcCallOptions): AsyncGenerator<unknown, void, void> {
    const { clock, random, faults, lifeline } = this.#deps;
    const gone = new AbortController();
    setMaxListeners(0, gone.signal);
    const leave = (): void => gone.abort();
    options.signal?.addEventListener('abort', leave, { once: true });
    lifeline.death.addEventListener('abort', leave, { once: true });
    const arrived: Uint8Array[] = [];
    let wake = (): void => {};
    const send = async (message: unknown): Promise<void> => {
      arrived.push(toBinary(method.output, message as MessageShape<DescMessage>));
      wake();
    };
    try {
      await clock.sleep(random() * faults.latencyMs);
      options.onHeaders?.({});
      void Promise.resolve(this.#handler(method)(requestOf(method, request), { signal: gone.signal, send }));
      while (!gone.signal.aborted) {
        const next = arrived.shift();
        if (next === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            gone.signal.addEventListener('abort', () => resolve(), { once: true });
          });
          continue;
        }
        if (this.#isOut() || random() < faults.brokenStream) throw this.#made(method, status.UNAVAILABLE);
        await clock.sleep(random() * faults.latencyMs);
        if (lifeline.dead) return await new Promise(() => {});
        yield fromBinary(method.output, next);
      }
      if (options.signal?.aborted) throw new QuarryError('ABORTED', 'the call was given up');
    } finally {
      leave();
      options.signal?.removeEventListener('abort', leave);
    }
  }

  #isOut(): boolean {
    const isOut = this.#outages.isOut(this.#deps.clock.now());
    if (isOut) this.#deps.network.fates.played.outOfReach++;
    return isOut;
  }

  #handler(method: Method): Handler {
    const handler = this.#deps.network.services[method.parent.typeName]?.[method.localName];
    return handler as Handler;
  }

  /** A failure that nothing but the way there is to blame for. */
  #made(method: Method, grpcCode: number): QuarryError {
    return new GrpcError({ grpcCode, message: 'simulated', method: pathOf(method), fromServer: false });
  }
}

function requestOf(method: Method, request: unknown): MessageShape<DescMessage> {
  const bytes =
    request instanceof Uint8Array ? request : toBinary(method.input, create(method.input, request as never));
  return fromBinary(method.input, bytes);
}

function sentTransaction(request: unknown): ReturnType<typeof transactionFromRpc> {
  const { transaction } = requestOf(EXECUTE, request) as ExecuteTransactionRequest;
  if (transaction === undefined) throw new Error('a request without a transaction');
  return transactionFromRpc(transaction);
}

function pathOf(method: Method): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Rejects when the caller gives up, unless the call is over first. */
function aborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = (): void => reject(new QuarryError('ABORTED', 'the call was given up'));
    if (signal?.aborted) give();
    signal?.addEventListener('abort', give, { once: true });
    over.addEventListener('abort', () => signal?.removeEventListener('abort', give), { once: true });
  });
}
