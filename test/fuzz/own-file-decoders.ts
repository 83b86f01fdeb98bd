import fc from 'fast-check';
import { parseLosslessJson, verifyReceipt } from '../../src/aitbc/receipts/index.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { ClientConfig } from '../../src/soma/wallet/client-config.js';
import { formatKeystore, parseAliases, parseKeystore } from '../../src/soma/wallet/keystore.js';
import type { Decoder } from './decoder.js';
import { journalLies } from './journal-lies.js';
import { jsonLies } from './json-lies.js';
import { decodeJournal, journalSeed } from './on-disk.js';

const RECEIPT =
  '{"receipt_id":"r1","job_id":"j","units":1.50,"price":10000000000000000001,"signature":{"alg":"Ed25519","key_id":"k","sig":"AA=="}}';
const ALIASES = [{ alias: 'one', public_key_base64: 'AA==' }];
const KEY = Keypair.fromSecret(new Uint8Array(32).fill(5));
const YAML = ClientConfig.create({ keystorePath: '/k' }).toString();

const bytesOf = (texts: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> => texts.map((text) => Buffer.from(text));
const text = (name: string, seed: string, lies: fc.Arbitrary<string>, decode: (text: string) => unknown): Decoder => ({
  name,
  seeds: [Buffer.from(seed)],
  lies: bytesOf(lies),
  decode: (bytes) => decode(new TextDecoder().decode(bytes)),
});

/** Entries of a keystore with another scheme, another length, or written another way. */
const entries = fc
  .array(
    fc
      .tuple(
        fc.constantFrom(0, 1, 2, 3, 5, 255),
        fc.uint8Array({ maxLength: 70 }),
        fc.constantFrom('', '=', '\n', ' ', '-'),
      )
      .map(([flag, secret, rest]) => Buffer.from([flag, ...secret]).toString('base64') + rest),
    { minLength: 1, maxLength: 4 },
  )
  .map((list) => JSON.stringify(list));
/** A document of YAML with lines doubled, indented, or replaced by what YAML has and JSON has not. */
const yaml = fc
  .array(
    fc.tuple(
      fc.nat(50),
      fc.constantFrom('- &a [*a]', '? x', '<<: *b', '!!js/x y', '  z: |', 'a: &a\n  b: *a', '', '---', '"'),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((edits) =>
    edits.reduce((lines, [at, line]) => lines.toSpliced(at % lines.length, at % 2, line), YAML.split('\n')).join('\n'),
  );

/** Receipts, and the files of wallet and miner, which others may have written. */
export function ownFileDecoders(): Decoder[] {
  const receipts = jsonLies(JSON.parse(RECEIPT));
  const journal = journalSeed();
  return [
    {
      name: 'receipt',
      seeds: [Buffer.from(RECEIPT)],
      lies: bytesOf(receipts),
      decode: (bytes) => verifyReceipt(bytes),
    },
    text('lossless JSON', RECEIPT, receipts, parseLosslessJson),
    text('keystore', formatKeystore([KEY]), fc.oneof(entries, jsonLies([KEY.exportSecret('keystore')])), parseKeystore),
    text('aliases', JSON.stringify(ALIASES), jsonLies(ALIASES), parseAliases),
    text('client.yaml', YAML, yaml, (document) => ClientConfig.parse(document)),
    { name: 'journal', seeds: [journal], lies: journalLies(journal), decode: decodeJournal },
  ];
}
