import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';

/** Subscribes to a subject. Ignores errors of the subscription, which the connection reports and survives. */
export function listen(nc: NatsConnection, subject: string, hear: (message: Msg) => void): Subscription {
  return nc.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) hear(message);
    },
  });
}
