import { QuarryError } from '../../errors/index.js';
import type { AddressPolicy, Sleep } from '../../net/index.js';
import { type NetworkEndpoints, type NetworkName, networkEndpoints } from './networks.js';
import type { FailoverOptions, FullnodeEvent, ResponseHeaders, TlsOptions } from './transport/index.js';

/** Settings for named networks and URLs alike. */
export interface SomaClientSettings {
  /**
   * More fullnodes of the same network. The fastest one that is not lagging is used; if it fails, another takes over.
   * Fullnodes of another chain are refused.
   */
  readonly fallbackUrls?: readonly string[] | undefined;
  /** How to compare fullnodes, if there are several. */
  readonly failover?: Omit<FailoverOptions, 'onFullnode'> | undefined;
  /** Called when another fullnode is preferred, or one fails or is refused, if there are several. */
  readonly onFullnode?: ((event: FullnodeEvent) => void) | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Sent with every call to the fullnode, such as an authorization. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Maximum wait for the response to a read. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  readonly readMaxBytes?: number | undefined;
  readonly keepAliveMs?: number | undefined;
  /** Allowed addresses of URLs in manifests. Default: public ones, and loopback if the fullnode is local, too. */
  readonly addressPolicy?: AddressPolicy | undefined;
  /** Called with the response headers of every call to the fullnode: chain, epoch, checkpoint height. */
  readonly onHeaders?: ((headers: ResponseHeaders) => void) | undefined;
  /** False skips the initial call, so that an unreachable node is detected later. Default true. */
  readonly probe?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A network by name, whose services can be overridden, or the URL of a fullnode and its services. */
export type SomaClientOptions = SomaClientSettings &
  (
    | ({ readonly network: NetworkName } & Partial<Omit<NetworkEndpoints, 'rpcUrl'>>)
    | ({ readonly url: string } & Omit<NetworkEndpoints, 'rpcUrl'>)
  );

/** Dependencies that tests replace. */
export interface SomaClientDeps {
  readonly sleep?: Sleep | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Returns numbers in [0, 1) for retry jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** The service URLs of the network. */
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
