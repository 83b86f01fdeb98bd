import type { ServiceInfo } from './read/get-service-info.js';

/** Genesis checkpoint of the public test network. */
const TESTNET_CHAIN_ID = '964EDrEzfvQT7HjVsjfXYcM1ubi3qhqB41zV7LLbCxxd';

/**
 * Whether a chain is shared with others, whatever the address of the node that serves it: a fullnode of the testnet
 * on this machine is one of the testnet. Chains without a name call themselves `localnet`.
 */
export function isPublicChain({ chain, chainId }: Pick<ServiceInfo, 'chain' | 'chainId'>): boolean {
  return chain !== 'localnet' || chainId === TESTNET_CHAIN_ID;
}
