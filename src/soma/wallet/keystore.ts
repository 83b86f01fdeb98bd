import { base64 } from '@scure/base';
import { QuarryError } from '../../errors/index.js';
import { type Address, addressOfPublicKey, Keypair, parseKeystoreEntry, SCHEME_FLAGS } from '../chain/index.js';

/** Valid aliases. The official tool's own pattern. */
export const ALIAS_PATTERN: RegExp = /^[A-Za-z][A-Za-z0-9\-_.]*$/;

/** A key with its name. */
export interface KeystoreKey {
  readonly keypair: Keypair;
  readonly alias: string;
}

function parseJsonArray(text: string, what: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's error would quote the surrounding text, which is a key.
    value = undefined;
  }
  if (!Array.isArray(value)) throw new QuarryError('KEY_INVALID', `${what} is not a JSON array`);
  return value;
}

/**
 * Parses a keystore file, sorted by address and without duplicates.
 *
 * @param text JSON array of base64 entries
 * @throws QuarryError `KEY_INVALID` when the text is not such an array or an entry is not an Ed25519 key
 */
export function parseKeystore(text: string): Keypair[] {
  const keys = new Map<Address, Keypair>();
  for (const [index, entry] of parseJsonArray(text, 'the keystore').entries()) {
    if (typeof entry !== 'string') throw new QuarryError('KEY_INVALID', `keystore entry ${index} is not a string`);
    const keypair = Keypair.fromSecret(parseKeystoreEntry(entry));
    keys.set(keypair.address, keypair);
  }
  return [...keys.values()].sort(byAddress);
}

/** Formats a keystore file like the official tool: indented by two, sorted by address. */
export function formatKeystore(keys: readonly Keypair[]): string {
  return JSON.stringify(
    [...keys].sort(byAddress).map((keypair) => keypair.exportSecret('keystore')),
    undefined,
    2,
  );
}

function byAddress(a: Keypair, b: Keypair): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

/** The contents of an alias file. */
export interface Aliases {
  /** Aliases of Ed25519 keys. */
  readonly byAddress: ReadonlyMap<Address, string>;
  /** All entries unchanged, with the address of their key if known. */
  readonly entries: readonly { readonly address: Address | undefined; readonly entry: unknown }[];
}

/**
 * Reads an alias file.
 *
 * @param text JSON array of `{ alias, public_key_base64 }`
 * @throws QuarryError `CONFIG_INVALID` when the text is not such an array
 */
export function parseAliases(text: string): Aliases {
  let list: unknown[];
  try {
    list = parseJsonArray(text, 'the alias file');
  } catch (error) {
    throw new QuarryError('CONFIG_INVALID', 'the alias file is not a JSON array', { cause: error });
  }
  const byAddress = new Map<Address, string>();
  const entries = list.map((entry, index) => {
    const { alias, public_key_base64: key } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<
      string,
      unknown
    >;
    if (typeof alias !== 'string' || typeof key !== 'string') {
      throw new QuarryError('CONFIG_INVALID', `alias entry ${index} lacks an alias or a public key`);
    }
    const address = addressOfKeyText(key);
    if (address !== undefined) byAddress.set(address, alias);
    return { address, entry };
  });
  return { byAddress, entries };
}

/** The address of a public key in base64 with its scheme flag. */
function addressOfKeyText(text: string): Address | undefined {
  try {
    const bytes = base64.decode(text);
    return bytes.length === 33 && bytes[0] === SCHEME_FLAGS.ed25519 ? addressOfPublicKey(bytes.slice(1)) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Formats an alias file, sorted by address.
 *
 * @param others entries of keys that are not in the keystore, kept unchanged
 */
export function formatAliases(keys: readonly KeystoreKey[], others: readonly unknown[] = []): string {
  const own = [...keys]
    .sort((a, b) => byAddress(a.keypair, b.keypair))
    .map(({ keypair, alias }) => ({ alias, public_key_base64: keypair.publicKeyText }));
  return JSON.stringify([...own, ...others], undefined, 2);
}

/** @throws QuarryError `INVALID_ARGUMENT` when the official tool would not accept the alias */
export function checkAlias(alias: string): void {
  if (alias.length > 100 || !ALIAS_PATTERN.test(alias)) {
    throw new QuarryError('INVALID_ARGUMENT', `"${alias.slice(0, 40)}" cannot be an alias`, {
      hint: 'begin with a letter and use letters, digits, "-", "_" and "." only',
    });
  }
}
