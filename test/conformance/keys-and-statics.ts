import { randomBytes } from 'node:crypto';
import {
  blake2b256,
  cryptWeights,
  digestFromBytes,
  digestToBytes,
  Keypair,
  somaToShannons,
} from '../../src/soma/index.js';
import type { Comparison } from './comparison.js';
import { bareHex } from './sdk-shapes.js';

const PHRASE =
  'film crazy soon outside stand loop subway crumble thrive popular green nuclear struggle pistol arm wife phrase warfare march wheat nephew ask sunny firm';

/** Keys and static helpers: everything that needs no network. */
export async function keysAndStatics(compare: Comparison): Promise<void> {
  const ours = Keypair.fromSecret(blake2b256(new TextEncoder().encode('keys')));
  const forms = { hex: ours.exportSecret('hex'), bech32: ours.exportSecret('bech32') };
  const made = { $opaque: 'Keypair' };
  const key = { on: 'Keypair' };
  await compare.same('Keypair.generate', { ...key, as: 'fresh' }, () => made, 'made');
  await compare.same('Keypair.to_secret_key', { on: 'fresh', as: 'freshSecret', called: 'a generated key' }, (theirs) =>
    Keypair.fromText(String(theirs)).exportSecret('hex'),
  );
  const secret = new Uint8Array(Buffer.from(forms.hex, 'hex'));
  await compare.same(
    'Keypair.from_secret_key',
    { ...key, args: [secret], as: 'k1', called: 'bytes' },
    () => made,
    'made',
  );
  await compare.same(
    'Keypair.from_secret_key',
    { ...key, args: [forms.hex], as: 'k2', called: 'hex' },
    () => made,
    'made',
  );
  await compare.same(
    'Keypair.from_secret_key',
    { ...key, args: [forms.bech32], as: 'k3', called: 'bech32' },
    () => made,
    'made',
  );
  await compare.same('Keypair.from_encoded', { ...key, args: [forms.bech32], as: 'k4' }, () => made, 'made');
  for (const name of ['k1', 'k2', 'k3', 'k4']) {
    await compare.same('Keypair.address', { on: name }, () => bareHex(ours.address));
  }
  await compare.same('Keypair.to_secret_key', { on: 'k3' }, () => forms.hex);
  await compare.same('Keypair.to_encoded', { on: 'k2' }, () => forms.bech32);
  await compare.same('Keypair.from_mnemonic', { ...key, args: [PHRASE], as: 'm' }, () => made, 'made');
  await compare.same('Keypair.address', { on: 'm', called: 'of a mnemonic' }, () =>
    bareHex(Keypair.fromMnemonic(PHRASE).address),
  );
  for (const [called, text] of Object.entries({
    'too short': 'abcd',
    'damaged bech32': `${forms.bech32.slice(0, -1)}!`,
  })) {
    await compare.refused(
      'Keypair.from_secret_key',
      { ...key, args: [text], called, raises: 'ValueError', code: 'KEY_INVALID' },
      () => Keypair.fromText(text),
    );
  }
  const words = PHRASE.replace('film', 'firm');
  await compare.refused(
    'Keypair.from_mnemonic',
    { ...key, args: [words], called: 'wrong checksum', raises: 'ValueError', code: 'KEY_INVALID' },
    () => Keypair.fromMnemonic(words),
  );

  const on = { on: 'SomaClient' };
  const plain = randomBytes(10_001);
  const weightsKey = randomBytes(32);
  const encrypted = cryptWeights(plain, weightsKey);
  const keyText = digestFromBytes(weightsKey);
  await compare.same('encrypt_weights', { ...on, args: [plain, weightsKey], called: 'key as bytes' }, () => [
    encrypted,
    keyText,
  ]);
  await compare.same('encrypt_weights', { ...on, args: [plain, keyText], called: 'key as base58' }, () => [
    encrypted,
    keyText,
  ]);
  await compare.same('encrypt_weights', { ...on, args: [plain], called: 'fresh key' }, (theirs) => {
    const [bytes, fresh] = theirs as unknown as [Uint8Array, string];
    return [cryptWeights(cryptWeights(bytes, digestToBytes(fresh)), digestToBytes(fresh)), fresh];
  });
  await compare.same(
    'decrypt_weights',
    { ...on, args: [encrypted, keyText], called: 'what we encrypted' },
    () => new Uint8Array(plain),
  );
  await compare.same('commitment', { ...on, args: [plain] }, () => digestFromBytes(blake2b256(plain)));
  for (const amount of ['0', '0.000000001', '1.5', '123456.789']) {
    await compare.same('to_shannons', { ...on, args: [Number(amount)], called: amount }, () => somaToShannons(amount));
  }
  await compare.same('to_soma', { ...on, args: [1_500_000_001n] }, () => 1.500000001);
  const url = 'https://example.org/weights';
  await compare.same(
    'model_manifest',
    { ...on, args: [url], kwargs: { checksum: keyText, size: 10_001n, decryption_key: keyText } },
    () => ({ url, checksum: keyText, size: 10_001n, decryption_key: keyText }),
  );
  await compare.same('model_manifest', { ...on, args: [url, plain], called: 'with weights' }, () => ({
    url,
    encrypted_weights: new Uint8Array(plain),
  }));
}
