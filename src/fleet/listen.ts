import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';

/** Subscribes to a subject. Errors of the subscription are left out: the connection reports and outlives them. */
export function listen(nc: NatsConnection, subject: string, hear: (message: Msg) => void): Subscription {
  return nc.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) hear(message);
    },
  });
}
