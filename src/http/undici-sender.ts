import type { Dispatcher } from 'undici';
import { childSignal } from './child-signal.js';
import { MIN_DOWNLOAD_THROUGHPUT } from './min-throughput.js';
import { proxyOfEnvironment } from './proxy.js';
import type { Sender, SenderOptions } from './sender.js';

/** The fast client for many requests at once; loaded at the first of them. */
export function undiciSender(options: SenderOptions): Sender {
  const { connectTimeoutMs, lookup } = options;
  let agent: Dispatcher | undefined;
  let closed = false;
  return {
    async send(url, { timeoutMs, stallMs, body, signal, ...rest }) {
      const undici = await import('undici');
      const connect = { timeout: connectTimeoutMs, ...(lookup !== undefined && { lookup }) };
      const proxy = proxyOfEnvironment();
      agent ??=
        proxy === undefined
          ? new undici.Agent({ connect })
          : new undici.EnvHttpProxyAgent({ connect, proxyTunnel: false, ...proxy });
      if (closed) await agent.destroy();
      // Undici's own time limit for the head begins anew with every informational response, of which there may be any
      // number: this one does not.
      const link = childSignal(signal);
      const timer = setTimeout(
        () => link.close(headTimedOut(timeoutMs)),
        timeoutMs + connectTimeoutMs + sendingMs(body),
      );
      try {
        const answer = await undici.request(url, {
          method: rest.method as 'GET',
          headers: rest.headers,
          dispatcher: agent,
          headersTimeout: timeoutMs,
          bodyTimeout: stallMs,
          body: body ?? null,
          signal: link.signal,
        });
        answer.body.once('close', () => link.close());
        return answer;
      } catch (error) {
        link.close();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    async close() {
      closed = true;
      await agent?.destroy();
    },
  };
}

/** How long a body may take to leave, at the least rate that is waited for. */
function sendingMs(body: Uint8Array | string | undefined): number {
  return body === undefined ? 0 : (body.length / MIN_DOWNLOAD_THROUGHPUT.bytesPerSecond) * 1000;
}

function headTimedOut(ms: number): Error {
  return Object.assign(new Error(`no final answer within ${ms} ms`), { code: 'ETIMEDOUT' });
}
