import type { ServerResponse } from 'node:http';
import { toJsonLine } from '../../text/index.js';

/** Sends one event. */
export type SendEvent = (name: string, data: unknown) => void;

/** Starts sending events; returns a function that stops it. */
export type EventFeed = (send: SendEvent) => () => void;

/** Clients this many bytes behind are dropped: they reconnect and get the current state. */
const MAX_BEHIND_BYTES = 1 << 20;

/** Streams server-sent events until the client disconnects. */
export function streamEvents(response: ServerResponse, feed: EventFeed): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  const end = feed((name, data) => {
    if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
    else response.write(`event: ${name}\ndata: ${toJsonLine(data)}\n\n`);
  });
  response.once('close', end);
}
