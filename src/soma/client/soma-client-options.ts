import { QuarryError } from '../../errors/index.js';
import type { AddressPolicy, Sleep } from '../../http/index.js';
import { type NetworkEndpoints, type NetworkName, networkEndpoints } from './networks.js';
import type { FailoverOptions, FullnodeEvent, ResponseHeaders, TlsOptions } from './transport/index.js';

/** Settings that hold for named networks and URLs alike. */
export interface SomaClientSettings {
  /**
   * More fullnodes of the same network. The fastest that is not behind is used; when it fails, another takes over. Those
   * of another chain are refused.
   */
  readonly fallbackUrls?: readonly string[] | undefined;
  /** How fullnodes are compared, where there are several. */
  readonly failover?: Omit<FailoverOptions, 'onFullnode'> | undefined;
  /** Called with which fullnode is preferred, and which fail or are refused, where there are several. */
  readonly onFullnode?: ((event: FullnodeEvent) => void) | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Sent with every call to the fullnode, such as an authorization. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Longest wait for the answer of a read. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  readonly readMaxBytes?: number | undefined;
  readonly keepAliveMs?: number | undefined;
  /**
   * Which addresses URLs in manifests may lead to. Default: public ones, and this machine's own when the fullnode is on
   * it too.
   */
  readonly addressPolicy?: AddressPolicy | undefined;
  /** Called with the response headers of every call to the fullnode: chain, epoch, checkpoint height. */
  readonly onHeaders?: ((headers: ResponseHeaders) => void) | undefined;
  /** False skips the first call, so that an unreachable node is found out later. Default true. */
  readonly probe?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Which network: a name, whose services can be moved, or the URL of a fullnode with the services it has. */
export type SomaClientOptions = SomaClientSettings &
  (
    | ({ readonly network: NetworkName } & Partial<Omit<NetworkEndpoints, 'rpcUrl'>>)
    | ({ readonly url: string } & Omit<NetworkEndpoints, 'rpcUrl'>)
  );

/** What tests replace. */
export interface SomaClientDeps {
  readonly sleep?: Sleep | undefined;
  /** Milliseconds since the Unix epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** In [0, 1), spreads pauses between retries. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Where the services of the network are. */
export function endpointsOf(options: SomaClientOptions): NetworkEndpoints {
  const { faucetUrl, adminUrl, scoringUrl } = options;
  const known: NetworkEndpoints = 'network' in options ? networkEndpoints(options.network) : { rpcUrl: options.url };
  return {
    rpcUrl: known.rpcUrl,
    faucetUrl: faucetUrl ?? known.faucetUrl,
    adminUrl: adminUrl ?? known.adminUrl,
    scoringUrl: scoringUrl ?? known.scoringUrl,
  };
}

/** @throws QuarryError `CONFIG_MISSING` when the network has no such service */
export function serviceUrl(url: string | undefined, service: string): string {
  if (url !== undefined) return url;
  throw new QuarryError('CONFIG_MISSING', `no ${service} service is configured`, {
    hint: `give ${service}Url, or use a network that has one`,
  });
}
