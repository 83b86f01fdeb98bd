import type { DownloadSource, HttpClient, Sleep } from '../../http/index.js';
import type { CallOptions, RpcTransport } from './transport/index.js';

export type { CallOptions } from './transport/index.js';

/** What every call needs: the way to the fullnode, or to several, and the ways out of the process. */
export interface ClientContext {
  readonly transport: RpcTransport;
  /** For URLs that strangers wrote into manifests; guarded by an address policy. */
  readonly manifestHttp: HttpClient;
  /**
   * A path of the fullnodes' HTTP routes, at each of them, the one that calls go to now first. Their clients dial the
   * address that the user configured, wherever it is, and nothing else that is not public.
   */
  readonly nodeSources: (path: string) => DownloadSource[];
  readonly sleep: Sleep;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Only the parts of `options` that steer the call. */
export function controlOf(options: CallOptions): CallOptions {
  return {
    timeoutMs: options.timeoutMs,
    signal: options.signal,
  };
}
