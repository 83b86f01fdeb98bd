export { ClientConfig, DEFAULT_ENVIRONMENTS, type WalletEnvironment } from './client-config.js';
export {
  ALIAS_PATTERN,
  formatAliases,
  formatKeystore,
  type KeystoreKey,
  parseAliases,
  parseKeystore,
} from './keystore.js';
export { readKeyFile, resolveSigner, type SignerSource } from './resolve-signer.js';
export {
  type CreateWalletOptions,
  defaultWalletDirectory,
  type GeneratedAccount,
  Wallet,
  type WalletAccount,
  type WalletOptions,
} from './wallet.js';
