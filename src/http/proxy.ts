/** The proxies of an environment. */
export interface ProxySettings {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  /** Hosts that are reached without it, comma-separated. */
  readonly noProxy: string;
}

/** This machine is never asked for through a proxy, as gRPC does not either. */
const ALWAYS_DIRECT = 'localhost,127.0.0.1,::1';

/**
 * What `http_proxy`, `https_proxy` and `no_proxy` say, in lower or upper case; `undefined` when there is no proxy.
 * Names behind a proxy are resolved by it: of a stranger's URL only a literal address is then checked here.
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
