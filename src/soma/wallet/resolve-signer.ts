import { QuarryError } from '../../errors/index.js';
import { Keypair, parseKeystoreEntry } from '../chain/index.js';
import { parseKeystore } from './keystore.js';
import { readSecretFile } from './protected-file.js';
import { Wallet } from './wallet.js';

/** Possible sources of a signing key; the first one given is used. */
export interface SignerSource {
  /** The secret itself, in any text form: hex, `somaprivkey1…`, base58, a keystore entry, a mnemonic phrase. */
  readonly secretKey?: string | undefined;
  /** A file with one secret, or a keystore with a single key. */
  readonly keyFile?: string | undefined;
  /** A wallet of the official tool. */
  readonly wallet?: { readonly directory: string; readonly account?: string | undefined } | undefined;
}

/**
 * The key pair of the first source given: the secret, the key file, the wallet.
 *
 * @throws QuarryError `CONFIG_MISSING` when no source is given, or the wallet does not exist or has no active account
 * @throws QuarryError `KEY_INVALID` when the secret or the file's contents are not a key
 * @throws QuarryError `KEY_FILE_UNSAFE` when others may read the key file or keystore
 * @throws QuarryError `FILE_NOT_FOUND` when the key file does not exist
 * @throws QuarryError `NOT_FOUND` when the wallet has no such account
 */
export async function resolveSigner(source: SignerSource): Promise<Keypair> {
  if (source.secretKey !== undefined) return Keypair.fromText(source.secretKey);
  if (source.keyFile !== undefined) return readKeyFile(source.keyFile);
  if (source.wallet !== undefined) {
    const wallet = await Wallet.open({ directory: source.wallet.directory });
    return wallet.keypair(source.wallet.account);
  }
  throw new QuarryError('CONFIG_MISSING', 'no signing key', {
    hint: 'set SOMA_SECRET_KEY, name a key file, or create a wallet with `quarry wallet new`',
  });
}

/**
 * Reads the key in a file: one secret in any text form, the output of the official tool's key generator, or a keystore
 * with a single key.
 *
 * @throws QuarryError `KEY_FILE_UNSAFE` when others may read it
 * @throws QuarryError `FILE_NOT_FOUND` when it does not exist
 * @throws QuarryError `KEY_INVALID` when it contains no key, or several
 */
export async function readKeyFile(path: string): Promise<Keypair> {
  const text = (await readSecretFile(path)).trim();
  if (text.startsWith('[')) {
    const keys = parseKeystore(text);
    const [only] = keys;
    if (only === undefined || keys.length > 1) {
      throw new QuarryError('KEY_INVALID', `the keystore holds ${keys.length} keys instead of one`, {
        hint: 'use the wallet and name an account',
        details: { path },
      });
    }
    return only;
  }
  // In a file the official form takes precedence: its tool never writes base58.
  try {
    return Keypair.fromSecret(parseKeystoreEntry(text));
  } catch {
    return Keypair.fromText(text);
  }
}
