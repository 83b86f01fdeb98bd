import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { addAbortSignal } from 'node:stream';
import type { Sender, SenderOptions, SendRequest } from './sender.js';

/** Lifetime of idle connections, in milliseconds; servers commonly close them after five seconds. */
const KEEP_ALIVE_MS = 4000;

/**
 * Sends with Node's own client, which has a native parser. Undici's is WebAssembly: loading it and optimising it once
 * hot takes over 50 MB, too much for a download with a memory limit.
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
          // From here on, errors surface in the body; the request would only repeat them.
          outgoing.on('error', () => {});
          watchForSilence(incoming, request.stallMs);
          // Node's own reaction to the signal is to end the body as if the server had closed the connection.
          if (request.signal !== undefined) addAbortSignal(request.signal, incoming);
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

/** Ends a body whose sender is silent; time taken by a slow reader does not count. */
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

/** Uses undici's code, which means that the request was never sent. */
function unconnected(host: string, ms: number): Error {
  return Object.assign(new Error(`no connection to ${host} within ${ms} ms`), { code: 'UND_ERR_CONNECT_TIMEOUT' });
}
