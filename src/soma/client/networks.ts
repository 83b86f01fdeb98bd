import { QuarryError } from '../../errors/index.js';

/** Service URLs of a network; absent if it does not have the service. */
export interface NetworkEndpoints {
  readonly rpcUrl: string;
  readonly faucetUrl?: string | undefined;
  readonly adminUrl?: string | undefined;
  readonly scoringUrl?: string | undefined;
}

/** Named networks. SOMA protocol, endpoints: the testnet's hosts and the localnet's default ports. */
export const NETWORKS = {
  testnet: {
    rpcUrl: 'https://fullnode.testnet.soma.org',
    faucetUrl: 'https://faucet.testnet.soma.org',
  },
  localnet: {
    rpcUrl: 'http://127.0.0.1:9000',
    faucetUrl: 'http://127.0.0.1:9123',
    adminUrl: 'http://127.0.0.1:9125',
    scoringUrl: 'http://127.0.0.1:9124',
  },
} as const satisfies Record<string, NetworkEndpoints>;

/** The testnet's archive, which keeps data that fullnodes prune. */
export const TESTNET_ARCHIVE_URL = 'https://archive.testnet.soma.org';

/** Name of a network in {@link NETWORKS}. */
export type NetworkName = keyof typeof NETWORKS;

/**
 * The endpoints of a named network.
 *
 * @throws QuarryError `UNKNOWN_NETWORK` when there is no network of that name
 */
export function networkEndpoints(name: string): NetworkEndpoints {
  if (Object.hasOwn(NETWORKS, name)) return NETWORKS[name as NetworkName];
  throw new QuarryError('UNKNOWN_NETWORK', `unknown network "${name.slice(0, 40)}"`, {
    hint: `use ${Object.keys(NETWORKS).join(' or ')}, or the URL of a fullnode`,
  });
}
