import type { Dispatcher } from 'undici';
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
      return undici.request(url, {
        method: rest.method as 'GET',
        headers: rest.headers,
        dispatcher: agent,
        headersTimeout: timeoutMs,
        bodyTimeout: stallMs,
        ...(body !== undefined && { body }),
        ...(signal !== undefined && { signal }),
      });
    },
    async close() {
      closed = true;
      await agent?.destroy();
    },
  };
}
