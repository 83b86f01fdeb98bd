import { Client } from '@grpc/grpc-js';
import { type SubscribeCheckpointsResponse, SubscriptionService } from '../src/gen/soma/rpc/subscription_service_pb.js';
import { TransactionExecutionService } from '../src/gen/soma/rpc/transaction_execution_service_pb.js';
import type { Miner } from '../src/miner/index.js';
import { decodeTarget } from '../src/soma/chain/index.js';
import { checkpointFrom } from '../src/soma/client/decode/checkpoint.js';
import type { SomaClient } from '../src/soma/client/soma-client.js';

/** A moment of this process, as milliseconds since the Unix epoch with fractions. */
const now = (): number => performance.timeOrigin + performance.now();

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
  readonly #wire = new Map<string, number>();
  readonly #submitted: { readonly targetId: string; readonly digest: string }[] = [];
  readonly #accepted = new Map<string, number>();

  constructor(client: SomaClient, miner: Miner) {
    this.#stampArrivals();
    const { transport } = client.context;
    const { unary, serverStream } = transport;
    transport.unary = (method, request, options) => {
      const answer = unary.call(transport, method, request, options);
      // The call is encoded and handed over before this returns.
      if ((method as unknown) === TransactionExecutionService.method.executeTransaction) {
        const { transaction } = request as { transaction?: { digest?: string | undefined } };
        if (transaction?.digest !== undefined) this.#wire.set(transaction.digest, now());
      }
      return answer as never;
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

  /** Reads the times off, for targets that a checkpoint brought. */
  times(): RaceTimes {
    const opened = new Map<string, { readonly arrivedAt: number; readonly spawnedAt: number }>();
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
    const arrivalToWire: number[] = [];
    const spawnToAccepted: number[] = [];
    for (const { targetId, digest } of this.#submitted) {
      const spawn = opened.get(targetId);
      const wire = this.#wire.get(digest);
      if (spawn === undefined || wire === undefined) continue;
      arrivalToWire.push(wire - spawn.arrivedAt);
      const accepted = this.#accepted.get(targetId);
      if (accepted !== undefined) spawnToAccepted.push(accepted - spawn.spawnedAt);
    }
    return { arrivalToWire, spawnToAccepted };
  }
}
