import type { ServerResponse } from 'node:http';
import { toJsonLine } from '../../text/index.js';

/** Sends one event. */
export type SendEvent = (name: string, data: unknown) => void;

/** Begins to send events and returns what ends that. */
export type EventFeed = (send: SendEvent) => () => void;

/** A reader this far behind, in bytes, is dropped: it connects again and gets the present. */
const MAX_BEHIND_BYTES = 1 << 20;

/** Answers with server-sent events until the reader goes. */
export function streamEvents(response: ServerResponse, feed: EventFeed): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  const end = feed((name, data) => {
    if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
    else response.write(`event: ${name}\ndata: ${toJsonLine(data)}\n\n`);
  });
  response.once('close', end);
}
