import type { Msg } from '@nats-io/transport-node';
import type { FleetConnection } from './connection.js';

/** A job in hand: it stays ours while we say so. */
export interface Delivery {
  readonly message: Msg;
  /** Times it was handed out, this one included. */
  readonly deliveries: number;
  /** Jobs that wait behind it. */
  readonly waiting: number;
  /** Done: it leaves the queue. */
  ack(): void;
  /** Still at it. */
  working(): void;
  /** Another may have it, after a while. */
  nak(delayMs: number): void;
  /** Not to be delivered again: the coordinator that queued it knows. */
  term(): void;
}

/** The server's answer to a pull is complete, or it is gone. */
const PULL_LIMIT_MS = 5_000;

/**
 * Takes what waits, at most `most` jobs, without waiting for more: a batch then never holds up for its last sample.
 *
 * @returns nothing when nothing waits, or the server is away
 */
export async function pullJobs(fleet: FleetConnection, consumer: string, most: number): Promise<Delivery[]> {
  const { nc, stream } = fleet;
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
  const deliveries: Delivery[] = [];
  const inbox = `_INBOX.${crypto.randomUUID().replaceAll('-', '')}`;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(limit);
      subscription.unsubscribe();
      resolve();
    };
    const limit = setTimeout(done, PULL_LIMIT_MS);
    const subscription = nc.subscribe(inbox, {
      callback: (error, message) => {
        // What has a code is a status: nothing (more) waits, or the consumer is gone.
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
  // $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<waiting>; longer ones begin with a domain.
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
