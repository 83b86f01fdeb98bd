import { fromBinary } from '@bufbuild/protobuf';
import { Client } from '@grpc/grpc-js';
import { type SubscribeCheckpointsResponse, SubscriptionService } from '../src/gen/soma/rpc/subscription_service_pb.js';
import {
  type ExecuteTransactionRequest,
  ExecuteTransactionRequestSchema,
  TransactionExecutionService,
} from '../src/gen/soma/rpc/transaction_execution_service_pb.js';
import type { Miner } from '../src/miner/index.js';
import { decodeTarget } from '../src/soma/chain/index.js';
import { checkpointFrom } from '../src/soma/client/decode/checkpoint.js';
import type { SomaClient } from '../src/soma/client/soma-client.js';

/** A moment of this process, as milliseconds since the Unix epoch with fractions. */
const now = (): number => performance.timeOrigin + performance.now();

/** What became of one target that a checkpoint brought. Moments are milliseconds since the Unix epoch. */
export interface RaceAnswer {
  readonly targetId: string;
  /** When the bytes of its checkpoint arrived; the same for all targets of one checkpoint. */
  readonly arrivedAt: number;
  /** The checkpoint's own timestamp. */
  readonly spawnedAt: number;
  /** When the submission's bytes were handed to the connection. */
  readonly wireAt: number;
  /** When the answer was there that it was accepted; `undefined` where it was not, or not yet. */
  readonly acceptedAt: number | undefined;
}

/** Milliseconds that targets took through the miner, one value each. */
export interface RaceTimes {
  /** From the arrival of the checkpoint's bytes to the submission's bytes handed to the connection. */
  readonly arrivalToWire: readonly number[];
  /** From the checkpoint's own timestamp to the answer that it was accepted. */
  readonly spawnToAccepted: readonly number[];
}

/**
 * Stops the time from outside the miner: when gRPC hands over the raw bytes of a checkpoint, before they are decoded,
 * and when a submission has been encoded and handed to gRPC.
 */
export class RaceClock {
  /** One entry per stream message, in order of arrival. */
  readonly #arrivals: number[] = [];
  readonly #messages: { readonly response: SubscribeCheckpointsResponse; readonly arrivedAt: number }[] = [];
  /** Submissions and when they left; read only afterwards, because reading them takes the thread that is timed. */
  readonly #wire: { readonly request: ExecuteTransactionRequest | Uint8Array; readonly at: number }[] = [];
  readonly #submitted: { readonly targetId: string; readonly digest: string }[] = [];
  readonly #accepted = new Map<string, number>();

  constructor(client: SomaClient, miner: Miner) {
    this.#stampArrivals();
    const { transport } = client.context;
    const { unary, serverStream } = transport;
    const wire = this.#wire;
    transport.unary = (method, request, options) => {
      if ((method as unknown) !== TransactionExecutionService.method.executeTransaction)
        return unary.call(transport, method, request, options) as never;
      const onSent = (at: number): void => void wire.push({ request: request as never, at });
      return unary.call(transport, method, request, { ...options, onSent }) as never;
    };
    const messages = this.#messages;
    const arrivals = this.#arrivals;
    transport.serverStream = async function* (method, request, options) {
      const isCheckpoints = (method as unknown) === SubscriptionService.method.subscribeCheckpoints;
      for await (const response of serverStream.call(transport, method, request, options)) {
        const arrivedAt = arrivals.shift();
        if (isCheckpoints && arrivedAt !== undefined) messages.push({ response: response as never, arrivedAt });
        yield response as never;
      }
    };
    miner.events.on('submitted', (event) => this.#submitted.push(event));
    miner.events.on('outcome', ({ targetId, outcome }) => {
      if (outcome.kind === 'accepted') this.#accepted.set(targetId, now());
    });
  }

  #stampArrivals(): void {
    const arrivals = this.#arrivals;
    const original = Client.prototype.makeServerStreamRequest;
    // biome-ignore lint/suspicious/noExplicitAny: overloads of the original
    Client.prototype.makeServerStreamRequest = function (this: Client, ...args: any[]): any {
      const deserialize = args[2] as (bytes: Buffer) => unknown;
      args[2] = (bytes: Buffer) => {
        arrivals.push(now());
        return deserialize(bytes);
      };
      return Reflect.apply(original, this, args);
    } as never;
  }

  /** How many submissions were accepted so far. */
  get accepted(): number {
    return this.#accepted.size;
  }

  /** Reads the times off, for targets that a checkpoint brought. */
  times(): RaceTimes {
    const answers = this.answers();
    return {
      arrivalToWire: answers.map(({ arrivedAt, wireAt }) => wireAt - arrivedAt),
      spawnToAccepted: answers.flatMap(({ spawnedAt, acceptedAt }) =>
        acceptedAt === undefined ? [] : [acceptedAt - spawnedAt],
      ),
    };
  }

  /** What answered each target that a checkpoint brought, once per target, in the order in which it was signed. */
  answers(): RaceAnswer[] {
    const opened = this.#opened();
    const wire = new Map<string | undefined, number>();
    // A repeated request counts from when it was first sent.
    for (const { request, at } of this.#wire.toReversed()) wire.set(digestIn(request), at);
    return lastPerTarget(this.#submitted).flatMap(({ targetId, digest }) => {
      const spawn = opened.get(targetId);
      const wireAt = wire.get(digest);
      if (spawn === undefined || wireAt === undefined) return [];
      return [{ targetId, ...spawn, wireAt, acceptedAt: this.#accepted.get(targetId) }];
    });
  }

  #opened(): Map<string, Pick<RaceAnswer, 'arrivedAt' | 'spawnedAt'>> {
    const opened = new Map<string, Pick<RaceAnswer, 'arrivedAt' | 'spawnedAt'>>();
    const seen = new Set<string>();
    for (const { response, arrivedAt } of this.#messages) {
      if (response.checkpoint === undefined || response.cursor === undefined) continue;
      const { objects, summary } = checkpointFrom(response.checkpoint, response.cursor);
      const here = new Map<string, boolean>();
      for (const { objectId, type, payload } of objects) {
        if (type !== 'Target' || objectId === undefined || payload === undefined) continue;
        here.set(objectId, (here.get(objectId) ?? true) && decodeTarget(payload).status.kind === 'open');
      }
      for (const [id, isOpen] of here) {
        // A target that is filled where it first appears was known from the list: no checkpoint brought it.
        if (seen.has(id)) continue;
        seen.add(id);
        if (isOpen) opened.set(id, { arrivedAt, spawnedAt: Number(summary?.timestampMs ?? 0) });
      }
    }
    return opened;
  }
}

/**
 * The last submission for each target, in the order in which these were signed. A target is answered anew only after its
 * submission was refused or rejected, so the one that was accepted is the last.
 */
export function lastPerTarget<T extends { readonly targetId: string }>(submitted: readonly T[]): T[] {
  const last = new Map(submitted.map((submission) => [submission.targetId, submission]));
  return submitted.filter((submission) => last.get(submission.targetId) === submission);
}

function digestIn(request: ExecuteTransactionRequest | Uint8Array): string | undefined {
  const message = request instanceof Uint8Array ? fromBinary(ExecuteTransactionRequestSchema, request) : request;
  return message.transaction?.digest;
}
