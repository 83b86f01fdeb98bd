import type { Readable } from 'node:stream';
import type { ProxySettings } from '../http/index.js';

/** As much of the SDK's request as is sent. */
interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>> | undefined;
  readonly body?: Uint8Array | Readable | string | undefined;
}

/** What the SDK sends its requests with. */
interface SdkRequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: SdkRequest,
    options?: { readonly abortSignal?: unknown },
  ): Promise<{ response: { statusCode: number; headers: Record<string, string>; body: Readable } }>;
  destroy(): void;
}

/** Sends the SDK's requests through the proxies of the environment, which its own handler does not know. */
export async function proxiedRequests(proxy: ProxySettings): Promise<SdkRequestHandler> {
  const { EnvHttpProxyAgent, request: send } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent({ proxyTunnel: false, ...proxy });
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request, { abortSignal } = {}) {
      const {
        statusCode,
        headers: answered,
        body,
      } = await send(urlOf(request), {
        method: request.method as 'PUT',
        headers: request.headers,
        body: request.body ?? null,
        dispatcher,
        ...(abortSignal instanceof AbortSignal && { signal: abortSignal }),
      });
      const flat = Object.entries(answered).map(([name, value]) => [name, String(value)] as const);
      return { response: { statusCode, headers: Object.fromEntries(flat), body } };
    },
    destroy: () => void dispatcher.destroy(),
  };
}

function urlOf({ protocol, hostname, port, path, query = {} }: SdkRequest): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (value === null || typeof value === 'string' ? [value] : value).map((each) =>
      each === null ? escaped(name) : `${escaped(name)}=${escaped(each)}`,
    ),
  );
  const authority = port === undefined ? hostname : `${hostname}:${port}`;
  return `${protocol}//${authority}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

/** RFC 3986: the signature covers the query in this form. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
