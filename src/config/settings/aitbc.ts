import type { Setting } from '../setting.js';

/** Settings of the AITBC network. */
export const AITBC_SETTINGS = {
  aitbcBaseUrl: { kind: 'string', env: 'AITBC_BASE_URL', help: 'AITBC coordinator to use instead of the public one' },
  aitbcApiKey: { kind: 'string', env: 'AITBC_API_KEY', secret: true, help: 'client key of an AITBC coordinator' },
  aitbcToken: { kind: 'string', env: 'AITBC_TOKEN', secret: true, help: 'bearer token of a live-jwt coordinator' },
  aitbcWalletKey: {
    kind: 'string',
    env: 'AITBC_WALLET_KEY',
    secret: 'wallet',
    help: 'private key that logs in to a live-jwt coordinator',
  },
  aitbcMinerKey: { kind: 'string', env: 'AITBC_MINER_KEY', secret: true, help: 'miner key of an AITBC coordinator' },
  aitbcMinerToken: { kind: 'string', env: 'AITBC_MINER_TOKEN', secret: true, help: 'bearer token of role miner' },
  aitbcAdminKey: { kind: 'string', env: 'AITBC_ADMIN_KEY', secret: true, help: 'administrator key, for statistics' },
  aitbcMarketplaceUrl: {
    kind: 'string',
    env: 'AITBC_MARKETPLACE_URL',
    help: 'marketplace service of a live AITBC network',
  },
  aitbcNetwork: { kind: 'string', env: 'AITBC_NETWORK', help: 'mainnet or testnet; informational' },
  aitbcTrustedSigners: { kind: 'list', env: 'AITBC_TRUSTED_SIGNERS', help: 'receipt keys to trust, comma-separated' },
  aitbcTrustedAttesters: {
    kind: 'list',
    env: 'AITBC_TRUSTED_ATTESTERS',
    help: 'attestation keys to trust, comma-separated',
  },
} as const satisfies Record<string, Setting>;
