import { inspect } from 'node:util';
import { base64 } from '@scure/base';
import { QuarryError } from '../../../errors/index.js';
import type { Address } from '../id.js';
import { transactionSigningHash } from '../transaction/index.js';
import { ed25519PublicKey, ed25519Signer, randomEd25519Secret } from './ed25519.js';
import { parseSecret, type SecretFormat, secretFromMnemonic, secretToText } from './secret-formats.js';
import { addressOfPublicKey, encodeSingleSignature, SCHEME_FLAGS } from './signature.js';

/** Signs the transactions of one sender. */
export interface Signer {
  readonly address: Address;
  /**
   * The serialised signature over a transaction's BCS.
   *
   * @param transactionBytes BCS of TransactionData
   */
  signTransaction(transactionBytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * An Ed25519 key pair. The secret does not appear in logs, inspection or JSON; only {@link Keypair.exportSecret}
 * returns it.
 */
export class Keypair implements Signer {
  readonly #secret: Uint8Array;
  readonly #sign: (message: Uint8Array) => Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The account this key signs for. */
  readonly address: Address;

  private constructor(secret: Uint8Array) {
    this.#secret = secret;
    this.#sign = ed25519Signer(secret);
    this.publicKey = ed25519PublicKey(secret);
    this.address = addressOfPublicKey(this.publicKey);
  }

  /**
   * The key pair of a raw secret.
   *
   * @param secret 32 bytes, copied
   * @throws QuarryError `KEY_INVALID` when there are not 32 bytes
   */
  static fromSecret(secret: Uint8Array): Keypair {
    if (secret.length !== 32) {
      throw new QuarryError('KEY_INVALID', `a secret key has 32 bytes, got ${secret.length}`);
    }
    return new Keypair(new Uint8Array(secret));
  }

  /**
   * The key pair of a secret in any text form: hex, `somaprivkey1…`, base58, keystore base64 or a mnemonic phrase.
   *
   * @throws QuarryError `KEY_INVALID` when the text is none of these
   */
  static fromText(text: string): Keypair {
    return new Keypair(parseSecret(text).secret);
  }

  /**
   * The key pair of a BIP-39 phrase.
   *
   * @param path SLIP-0010 path of five hardened levels below `m/44'/784'`
   * @throws QuarryError `KEY_INVALID` when the phrase or the path is not valid
   */
  static fromMnemonic(phrase: string, path?: string): Keypair {
    return new Keypair(secretFromMnemonic(phrase, path));
  }

  /**
   * A new random key pair.
   *
   * @param randomSecret 32 random bytes, for tests that need the same key twice
   */
  static generate(randomSecret: () => Uint8Array = randomEd25519Secret): Keypair {
    return Keypair.fromSecret(randomSecret());
  }

  /** Base64 of the scheme flag and public key, as shown by wallets. */
  get publicKeyText(): string {
    return base64.encode(Uint8Array.of(SCHEME_FLAGS.ed25519, ...this.publicKey));
  }

  /** The plain RFC 8032 signature over `message`, 64 bytes. */
  sign(message: Uint8Array): Uint8Array {
    return this.#sign(message);
  }

  /** The serialised signature over a transaction's BCS, 97 bytes. */
  signTransaction(transactionBytes: Uint8Array): Uint8Array {
    return encodeSingleSignature({
      scheme: 'ed25519',
      signature: this.sign(transactionSigningHash(transactionBytes)),
      publicKey: this.publicKey,
    });
  }

  /** The secret as text. Show it only to the user who asked for it. */
  exportSecret(format: SecretFormat = 'bech32'): string {
    return secretToText(this.#secret, format);
  }

  /** The public part, for JSON. */
  toJSON(): { address: Address; publicKey: string } {
    return { address: this.address, publicKey: this.publicKeyText };
  }

  /** The public part, for people. */
  toString(): string {
    return `Keypair(${this.address})`;
  }

  /** For `console.log`: the address, never the secret. */
  [inspect.custom](): string {
    return this.toString();
  }
}
