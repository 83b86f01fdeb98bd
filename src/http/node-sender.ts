import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Sender, SenderOptions, SendRequest } from './sender.js';

/** Idle connections are kept this long, in milliseconds; servers commonly close theirs after five seconds. */
const KEEP_ALIVE_MS = 4000;

/**
 * Node's own client, whose parser is native. Undici's is WebAssembly: loading it and having it compiled once it is hot
 * takes over 50 MB, which a download that must stay small cannot spare.
 */
export function nodeSender(options: SenderOptions): Sender {
  const agents = { http: new http.Agent(agentOptions()), https: new https.Agent(agentOptions()) };
  return {
    send: (url, request) =>
      new Promise((resolve, reject) => {
        const secure = url.protocol === 'https:';
        const outgoing = (secure ? https : http).request(url, {
          method: request.method,
          headers: { ...request.headers, ...lengthOf(request.body) },
          agent: secure ? agents.https : agents.http,
          lookup: options.lookup,
          signal: request.signal,
        });
        const head = setTimeout(() => outgoing.destroy(timedOut('answer', request.timeoutMs)), request.timeoutMs);
        let connecting: NodeJS.Timeout | undefined;
        outgoing.once('socket', (socket) => {
          if (!socket.connecting) return;
          connecting = setTimeout(
            () => outgoing.destroy(unconnected(url.host, options.connectTimeoutMs)),
            options.connectTimeoutMs,
          );
          socket.once('connect', () => clearTimeout(connecting));
        });
        outgoing.once('close', () => {
          clearTimeout(head);
          clearTimeout(connecting);
        });
        outgoing.once('error', reject);
        outgoing.once('response', (incoming) => {
          clearTimeout(head);
          outgoing.off('error', reject);
          // From here on failures surface in the body; the request repeats them.
          outgoing.on('error', () => {});
          watchForSilence(incoming, request.stallMs);
          resolve({ statusCode: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming });
        });
        outgoing.end(request.body);
      }),
    async close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function agentOptions(): http.AgentOptions {
  return { keepAlive: true, timeout: KEEP_ALIVE_MS };
}

function lengthOf(body: SendRequest['body']): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}

/** Ends a body whose sender falls silent; a reader that takes its time is not silent. */
function watchForSilence(incoming: IncomingMessage, timeoutMs: number): void {
  const { socket } = incoming;
  const onTimeout = (): void => {
    if (incoming.readableLength === 0) incoming.destroy(timedOut('body', timeoutMs));
    else socket.setTimeout(timeoutMs);
  };
  socket.setTimeout(timeoutMs, onTimeout);
  incoming.once('close', () => {
    socket.off('timeout', onTimeout);
    if (!socket.destroyed) socket.setTimeout(KEEP_ALIVE_MS);
  });
}

function timedOut(what: string, ms: number): Error {
  return Object.assign(new Error(`no ${what} within ${ms} ms`), { code: 'ETIMEDOUT' });
}

/** With the code undici gives: the request certainly never left. */
function unconnected(host: string, ms: number): Error {
  return Object.assign(new Error(`no connection to ${host} within ${ms} ms`), { code: 'UND_ERR_CONNECT_TIMEOUT' });
}
