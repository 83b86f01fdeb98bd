import type { DownloadSource, HttpClient, Sleep } from '../../net/index.js';
import type { CallOptions, KnownChain, RpcTransport } from './transport/index.js';

export type { CallOptions } from './transport/index.js';

/** Dependencies of every call: transport to the fullnodes, HTTP clients, clock and randomness. */
export interface ClientContext {
  readonly transport: RpcTransport;
  /** The chain that the fullnodes are on; answers of another one are refused. */
  readonly chain: KnownChain;
  /** For URLs in manifests, which are untrusted; restricted by an address policy. */
  readonly manifestHttp: HttpClient;
  /**
   * Sources for a path of the fullnodes' HTTP routes, starting with the current fullnode. Their clients can dial the
   * address configured by the user and otherwise only public ones.
   */
  readonly nodeSources: (path: string) => DownloadSource[];
  readonly sleep: Sleep;
  /** Monotonic milliseconds: setting the clock must not change a wait. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** The call options in `options`, without its other fields. */
export function controlOf(options: CallOptions): CallOptions {
  return {
    timeoutMs: options.timeoutMs,
    signal: options.signal,
  };
}
