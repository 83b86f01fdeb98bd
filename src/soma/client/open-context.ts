import type { QuarryError } from '../../errors/index.js';
import { type AddressPolicy, HttpClient, PUBLIC_AND_LOOPBACK, PUBLIC_ONLY, sleep } from '../../net/index.js';
import type { ClientContext } from './context.js';
import { isPublicChain } from './public-chain.js';
import type { ServiceInfo } from './read/get-service-info.js';
import type { SomaClientDeps, SomaClientOptions } from './soma-client-options.js';
import { FailoverTransport, GrpcTransport, KnownChain, parseEndpoint, type RpcTransport } from './transport/index.js';

/** A client's connections and what it has learnt about the network. */
export interface OpenContext {
  readonly context: ClientContext;
  /** Depends on the chain that the node reports. */
  readonly addressPolicy: AddressPolicy;
  /** Present if there are several fullnodes. */
  readonly failover: FailoverTransport | undefined;
  /** On a public chain, forbids downloads from loopback unless the user allowed them. */
  learnChain(info: ServiceInfo): void;
  /** Aborts all calls and downloads. */
  close(): void;
}

/**
 * Opens the connections of a client.
 *
 * @throws QuarryError `CONFIG_INVALID` when a URL is not an origin
 */
export function openContext(options: SomaClientOptions, rpcUrl: string, deps: SomaClientDeps): OpenContext {
  const urls = [rpcUrl, ...(options.fallbackUrls ?? [])];
  const loopback = urls.every((url) => parseEndpoint(url).loopback);
  const addressPolicy = { ...(options.addressPolicy ?? (loopback ? PUBLIC_AND_LOOPBACK : PUBLIC_ONLY)) };
  const chain = new KnownChain();
  const { transport, failover } = openTransport(options, urls, chain, deps);
  const headers = options.headers !== undefined && { headers: options.headers };
  const nodeHttp = new Map(
    urls.map((each) => {
      const baseUrl = parseEndpoint(each).url;
      return [baseUrl, new HttpClient({ baseUrl, addressPolicy, trustedOrigins: [baseUrl], ...headers })];
    }),
  );
  const manifestHttp = new HttpClient({ addressPolicy });
  return {
    context: {
      transport,
      chain,
      manifestHttp,
      nodeSources(path) {
        const current = transport.endpoint.url;
        const others = [...nodeHttp.keys()].filter((url) => url !== current);
        return [current, ...others].flatMap((url) => {
          const http = nodeHttp.get(url);
          return http === undefined ? [] : [{ http, url: `${url}${path}` }];
        });
      },
      sleep: deps.sleep ?? sleep,
      now: deps.now ?? (() => performance.now()),
      random: deps.random ?? Math.random,
    },
    addressPolicy,
    failover,
    learnChain(info) {
      if (options.addressPolicy === undefined && isPublicChain(info)) addressPolicy.allowLoopback = false;
    },
    close() {
      transport.close();
      for (const http of [manifestHttp, ...nodeHttp.values()]) void http.close();
    },
  };
}

function openTransport(
  options: SomaClientOptions,
  urls: readonly string[],
  chain: KnownChain,
  deps: SomaClientDeps,
): { readonly transport: RpcTransport; readonly failover: FailoverTransport | undefined } {
  const calls = {
    tls: options.tls,
    headers: options.headers,
    timeoutMs: options.timeoutMs,
    readMaxBytes: options.readMaxBytes,
    keepAliveMs: options.keepAliveMs,
    onHeaders: options.onHeaders,
  };
  const [url, second] = urls;
  if (second === undefined) {
    const onChain = (begins: string): QuarryError | undefined => chain.refusal(begins, url!);
    return { transport: new GrpcTransport({ ...calls, url: url!, onChain }, deps), failover: undefined };
  }
  const onFullnode = options.onFullnode !== undefined && { onFullnode: options.onFullnode };
  const failover = new FailoverTransport({ ...calls, ...options.failover, urls, ...onFullnode }, deps);
  return { transport: failover, failover };
}
