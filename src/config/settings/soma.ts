import { LONGEST_WAIT_SECONDS } from '../longest-wait.js';
import type { Setting } from '../setting.js';

/** Settings of the SOMA network, its services and the signer. */
export const SOMA_SETTINGS = {
  network: {
    kind: 'string',
    env: 'QUARRY_NETWORK',
    flag: '--network <name|url>',
    default: 'testnet',
    aliases: { local: 'localnet' },
    help: 'testnet, localnet, or the URL of a fullnode',
  },
  fullnodes: {
    kind: 'list',
    env: 'QUARRY_FULLNODES',
    flag: '--fullnodes <urls>',
    help: 'more fullnodes, comma-separated; the fastest is used',
  },
  timeoutSeconds: {
    kind: 'number',
    env: 'QUARRY_TIMEOUT_SECONDS',
    flag: '--timeout-seconds <n>',
    former: { name: 'timeout', flag: '--timeout <n>' },
    default: 30,
    min: 0.001,
    max: LONGEST_WAIT_SECONDS,
    help: 'longest wait for one answer, on every network',
  },
  faucetUrl: { kind: 'string', env: 'QUARRY_FAUCET_URL', flag: '--faucet-url <url>', help: 'faucet service' },
  adminUrl: {
    kind: 'string',
    env: 'QUARRY_ADMIN_URL',
    flag: '--admin-url <url>',
    help: 'admin service (local networks)',
  },
  secretKey: {
    kind: 'string',
    env: 'SOMA_SECRET_KEY',
    secret: 'wallet',
    help: 'secret key: hex, base58, somaprivkey1…, or a mnemonic. Environment or file only',
  },
  keyFile: {
    kind: 'string',
    env: 'QUARRY_KEY_FILE',
    flag: '--key-file <path>',
    help: 'file with the secret key, mode 0600',
  },
  walletDir: {
    kind: 'string',
    env: 'SOMA_CONFIG_DIR',
    flag: '--wallet-dir <path>',
    help: "the official CLI's wallet directory (client.yaml, soma.keystore)",
  },
  stateDir: {
    kind: 'string',
    env: 'QUARRY_STATE_DIR',
    flag: '--state-dir <path>',
    help: 'store, journal, weights and hosted data (default: ~/.local/state/quarry/<network>)',
  },
} as const satisfies Record<string, Setting>;
