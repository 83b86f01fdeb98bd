import type { Dispatcher } from 'undici';
import { childSignal } from './child-signal.js';
import { MIN_DOWNLOAD_THROUGHPUT } from './min-throughput.js';
import { proxyOfEnvironment } from './proxy.js';
import type { Sender, SenderOptions } from './sender.js';

/** Client for many concurrent requests; undici is loaded on first use. */
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
      // Undici's header timeout restarts with each informational response, and there can be any number of them; this
      // timer does not.
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

/** Time limit for sending a body, at the minimum throughput. */
function sendingMs(body: Uint8Array | string | undefined): number {
  return body === undefined ? 0 : (body.length / MIN_DOWNLOAD_THROUGHPUT.bytesPerSecond) * 1000;
}

function headTimedOut(ms: number): Error {
  return Object.assign(new Error(`no final answer within ${ms} ms`), { code: 'ETIMEDOUT' });
}
