/** Proxy settings from the environment. */
export interface ProxySettings {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  /** Hosts to reach without a proxy, comma-separated. */
  readonly noProxy: string;
}

/** This machine is never reached through a proxy, as in gRPC. */
const ALWAYS_DIRECT = 'localhost,127.0.0.1,::1';

/**
 * Reads `http_proxy`, `https_proxy` and `no_proxy`, in lower or upper case; `undefined` if there is no proxy. Names are
 * then resolved by the proxy, so address policies can check only literal addresses.
 */
export function proxyOfEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ProxySettings | undefined {
  const read = (name: string): string | undefined => {
    const value = (env[name] ?? env[name.toUpperCase()])?.trim();
    return value === '' ? undefined : value;
  };
  const all = read('all_proxy');
  const httpProxy = read('http_proxy') ?? all;
  const httpsProxy = read('https_proxy') ?? all;
  if (httpProxy === undefined && httpsProxy === undefined) return undefined;
  const noProxy = read('no_proxy');
  return {
    ...(httpProxy !== undefined && { httpProxy }),
    ...(httpsProxy !== undefined && { httpsProxy }),
    noProxy: noProxy === undefined ? ALWAYS_DIRECT : noProxy === '*' ? '*' : `${noProxy},${ALWAYS_DIRECT}`,
  };
}
