import type { Dispatcher } from 'undici';
import { allowManyListeners, childSignal } from './child-signal.js';
import { MIN_DOWNLOAD_THROUGHPUT } from './min-throughput.js';
import { proxyOfEnvironment } from './proxy.js';
import type { Sender, SenderOptions } from './sender.js';
import { unlessAborted } from './unless-aborted.js';

/** Client for many concurrent requests; undici is loaded on first use. */
export function undiciSender(options: SenderOptions): Sender {
  const { connectTimeoutMs, lookup } = options;
  // Undici leaves a connection that is being made alone, whether its request is aborted or its agent destroyed.
  const ended = new AbortController();
  allowManyListeners(ended.signal);
  let agent: Dispatcher | undefined;
  return {
    async send(url, { timeoutMs, stallMs, body, signal, ...rest }) {
      const undici = await import('undici');
      const connect = { timeout: connectTimeoutMs, signal: ended.signal, ...(lookup !== undefined && { lookup }) };
      const proxy = proxyOfEnvironment();
      agent ??=
        proxy === undefined
          ? new undici.Agent({ connect })
          : new undici.EnvHttpProxyAgent({ connect, proxyTunnel: false, ...proxy });
      if (ended.signal.aborted) await agent.destroy();
      // Undici's header timeout restarts with each informational response, and there can be any number of them; this
      // timer does not.
      const link = childSignal(signal);
      const timer = setTimeout(
        () => link.close(headTimedOut(timeoutMs)),
        timeoutMs + connectTimeoutMs + sendingMs(body),
      );
      try {
        const sent = undici.request(url, {
          method: rest.method as 'GET',
          headers: rest.headers,
          dispatcher: agent,
          headersTimeout: timeoutMs,
          bodyTimeout: stallMs,
          body: body ?? null,
          signal: link.signal,
        });
        const answer = await unlessAborted(sent, 'the request', signal);
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
      const destroyed = agent?.destroy();
      ended.abort();
      await destroyed;
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
