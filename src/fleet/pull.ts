import { createInbox, type Msg } from '@nats-io/transport-node';
import type { FleetConnection } from './connection.js';

/** A delivered job. It stays ours for as long as we report progress. */
export interface Delivery {
  readonly message: Msg;
  /** Deliveries so far, including this one. */
  readonly deliveries: number;
  /** Jobs pending behind it. */
  readonly waiting: number;
  /** Done: removes it from the queue. */
  ack(): void;
  /** Reports progress, which restarts the acknowledgement timeout. */
  working(): void;
  /** Gives it back, to be redelivered after the delay. */
  nak(delayMs: number): void;
  /** Removes it from the queue without redelivery; its coordinator requeues it if needed. */
  term(): void;
}

/** A batch takes at most this part of its queue, to leave work for other scorers. */
const SHARE = 1 / 8;

/** A pull ends after this long even if the server has not completed it. */
const PULL_LIMIT_MS = 5_000;

/** The most jobs to pull from a queue with this many, so that all scorers finish together. */
export function fairShare(waiting: number): number {
  return Math.ceil(waiting * SHARE);
}

/**
 * Pulls up to `most` pending jobs without waiting for more, so that a batch never waits to be filled.
 *
 * @returns an empty array if no job is pending or the server is unreachable
 */
export async function pullJobs(fleet: FleetConnection, consumer: string, most: number): Promise<Delivery[]> {
  const { nc, stream } = fleet;
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
  const deliveries: Delivery[] = [];
  const inbox = createInbox();
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(limit);
      subscription.unsubscribe();
      resolve();
    };
    const limit = setTimeout(done, PULL_LIMIT_MS);
    const subscription = nc.subscribe(inbox, {
      callback: (error, message) => {
        // A message with a status code ends the pull: no (more) jobs, or the consumer is gone.
        if (error !== null || message.headers?.hasError || message.headers?.code) return done();
        deliveries.push(deliveryOf(fleet, message));
        if (deliveries.length >= most) done();
      },
    });
    try {
      nc.publish(subject, JSON.stringify({ batch: most, no_wait: true }), { reply: inbox });
    } catch {
      done();
    }
  });
  return deliveries;
}

function deliveryOf({ nc }: FleetConnection, message: Msg): Delivery {
  const say = (text: string): void => {
    if (message.reply !== undefined && !nc.isClosed()) nc.publish(message.reply, text);
  };
  // $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>. Newer servers put domain and
  // account hash after ACK.
  const tokens = (message.reply ?? '').split('.');
  const first = tokens.length > 9 ? 6 : 4;
  return {
    message,
    deliveries: Number(tokens[first] ?? 1),
    waiting: Number(tokens[first + 4] ?? 0),
    ack: () => say('+ACK'),
    working: () => say('+WPI'),
    nak: (delayMs) => say(`-NAK {"delay": ${Math.round(delayMs * 1e6)}}`),
    term: () => say('+TERM'),
  };
}
