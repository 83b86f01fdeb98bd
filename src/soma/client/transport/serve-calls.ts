import type { MessagePort } from 'node:worker_threads';
import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import { parseEndpoint } from './endpoint.js';
import { openChannel } from './grpc-channel.js';
import { asBuffer, asUint8Array, callDeadline, flattenMetadata, metadataOf } from './grpc-wire.js';
import { CHAIN_HEADER } from './known-chain.js';
import type { CallThreadData, FromCallThread, ThreadAnswer, ThreadCall, ToCallThread } from './thread-messages.js';

/** How long to wait for the first connection before accepting calls anyway. */
const CONNECT_MS = 10_000;
/** Interval for restoring a lost connection between calls, which may be minutes apart and must not wait for it. */
const RECONNECT_MS = 1_000;

/**
 * How long an answer waits for others, milliseconds. Each message interrupts the thread that made the calls, which may
 * have more of them to make; a call without company does not come here.
 */
const GATHERING_MS = 5;

/** Makes the calls received on a port and returns their answers: the counterpart of `CallThread`. */
export function serveCalls(port: MessagePort, data: CallThreadData): void {
  const client = openChannel(parseEndpoint(data.url), { ...data, keepAliveIdle: true });
  setInterval(() => client.getChannel().getConnectivityState(true), RECONNECT_MS).unref();
  const cancels = new Map<number, () => void>();
  let outbox: ThreadAnswer[] = [];
  const answer = (one: ThreadAnswer): void => {
    cancels.delete(one.id);
    if (outbox.length === 0) {
      setTimeout(() => {
        port.postMessage({ answers: outbox } satisfies FromCallThread);
        outbox = [];
      }, GATHERING_MS);
    }
    outbox.push(one);
  };
  // If the node is away now, the first call connects.
  client.waitForReady(Date.now() + CONNECT_MS, () => port.postMessage({ ready: true } satisfies FromCallThread));
  port.on('message', (message: ToCallThread) => {
    if ('cancel' in message) return cancels.get(message.cancel)?.();
    for (const call of message.calls) cancels.set(call.id, makeCall(client, data, call, answer));
  });
}

/** @returns a function that cancels the call */
function makeCall(
  client: Client,
  { headers }: CallThreadData,
  { id, path, body, timeoutMs, wantsHeaders }: ThreadCall,
  answer: (answer: ThreadAnswer) => void,
): () => void {
  let received: Metadata | undefined;
  let sentAt: number | undefined;
  const call = client.makeUnaryRequest<Uint8Array, Uint8Array>(
    path,
    asBuffer,
    asUint8Array,
    body,
    metadataOf(headers),
    callDeadline(timeoutMs),
    (error, value) => {
      const [chain] = received?.get(CHAIN_HEADER) ?? [];
      const common = {
        id,
        ...(typeof chain === 'string' && { chain }),
        ...(wantsHeaders && received !== undefined && { headers: flattenMetadata(received) }),
        ...(sentAt !== undefined && { sentAt }),
      };
      // Copy it: the value may be a view into a larger buffer, all of which would be transferred.
      if (error === null) answer({ ...common, body: new Uint8Array(value ?? []) });
      else answer({ ...common, error: errorOf(error), sawHeaders: received !== undefined });
    },
  );
  sentAt = performance.timeOrigin + performance.now();
  call.on('metadata', (metadata: Metadata) => {
    received = metadata;
  });
  return () => call.cancel();
}

function errorOf({ code, details, metadata }: ServiceError): Extract<ThreadAnswer, { error: unknown }>['error'] {
  const names = Object.keys(metadata?.getMap() ?? {});
  return {
    code,
    details,
    metadata: names.flatMap((name) =>
      metadata.get(name).map((value) => [name, typeof value === 'string' ? value : new Uint8Array(value)] as const),
    ),
  };
}
