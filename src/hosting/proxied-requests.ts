import type { Readable } from 'node:stream';
import type { ProxySettings } from '../net/index.js';

/** The fields of the SDK's request that are used. */
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

/** The SDK's interface of a request handler. */
interface SdkRequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: SdkRequest,
    options?: { readonly abortSignal?: unknown },
  ): Promise<{ response: { statusCode: number; headers: Record<string, string>; body: Readable } }>;
  destroy(): void;
}

/** A request handler that honours the proxy environment variables, which the SDK's own handler ignores. */
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

/** Escapes as in RFC 3986, the form that the signature covers. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
