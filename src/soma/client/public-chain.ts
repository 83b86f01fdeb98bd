import type { ServiceInfo } from './read/get-service-info.js';

/** Genesis checkpoint of the public test network. */
const TESTNET_CHAIN_ID = '964EDrEzfvQT7HjVsjfXYcM1ubi3qhqB41zV7LLbCxxd';

/**
 * Whether a chain is shared with others, regardless of the node's address: a local testnet fullnode still belongs to
 * the testnet. Unnamed chains report `localnet`.
 */
export function isPublicChain({ chain, chainId }: Pick<ServiceInfo, 'chain' | 'chainId'>): boolean {
  return chain !== 'localnet' || chainId === TESTNET_CHAIN_ID;
}
