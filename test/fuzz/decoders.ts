import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { zipSync } from 'fflate';
import { pack } from 'tar-stream';
import { parseLosslessJson, verifyReceipt } from '../../src/aitbc/receipts/index.js';
import { CheckpointSchema } from '../../src/gen/soma/rpc/checkpoint_pb.js';
import { EpochSchema } from '../../src/gen/soma/rpc/epoch_pb.js';
import { TargetSchema } from '../../src/gen/soma/rpc/target_pb.js';
import {
  decodeCheckpointContents,
  decodeCheckpointSummary,
  decodeCoin,
  decodeEffects,
  decodeObject,
  decodeSignedTransaction,
  decodeTarget,
  decodeTransactionData,
  decodeUserSignature,
  Keypair,
} from '../../src/soma/chain/index.js';
import { checkpointFrom } from '../../src/soma/client/decode/checkpoint.js';
import { epochFrom } from '../../src/soma/client/decode/epoch.js';
import { targetFrom } from '../../src/soma/client/decode/target.js';
import { ClientConfig } from '../../src/soma/wallet/client-config.js';
import { formatKeystore, parseAliases, parseKeystore } from '../../src/soma/wallet/keystore.js';
import { documentsOf } from '../../src/sources/decode.js';
import { parseSafetensorsHeader, safetensorsHeaderBytes } from '../../src/weights/safetensors-header.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { PARQUET } from '../sources/parquet-rows.js';
import { type ChainSeeds, chainSeeds } from './chain-seeds.js';
import { drain } from './drain.js';
import { decodeInFile, decodeJournal, journalSeed } from './on-disk.js';

/** What reads bytes that a stranger wrote. */
export interface Decoder {
  readonly name: string;
  /** Good inputs, from which bad ones are made. */
  readonly seeds: readonly Uint8Array[];
  readonly decode: (bytes: Uint8Array) => unknown;
}

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')) as T;

const sdk = vectors<{ transactions: { bcsHex: string; signedHex: string }[] }>('soma-sdk-chain.json');
const chain = vectors<{ coinObject: { bcsHex: string } }>('soma-chain.json');
const TRANSACTIONS = sdk.transactions.slice(0, 12).map(({ bcsHex }) => hex(bcsHex));
const SIGNED = sdk.transactions.slice(-6).map(({ signedHex }) => hex(signedHex));

const WEIGHTS = encodeSafetensors(
  [
    { name: 'embedding.weight', shape: [4, 8], data: new Float32Array(32).fill(0.5) },
    { name: 'norm.bias', dtype: 'BF16', shape: [3], data: new Uint8Array(6) },
  ],
  { format: 'pt' },
);
const TEXT = new TextDecoder();
const RECORDS = Buffer.from(
  ['{"text":"a","n":NaN}', '{"messages":[{"role":"user","content":"hi"}]}', '{"text":null}', '[1]', ''].join('\n'),
);
const RECEIPT = Buffer.from(
  '{"receipt_id":"r1","job_id":"j","units":1.50,"price":10000000000000000001,"signature":{"alg":"Ed25519","key_id":"k","sig":"AA=="}}',
);

/** Every decoder of bytes from a network, a host or a file that others can write. */
export async function allDecoders(): Promise<Decoder[]> {
  const [tar, seeds] = await Promise.all([tarSeed(), chainSeeds()]);
  return [
    ...chainDecoders(seeds),
    ...clientDecoders(seeds),
    {
      name: 'safetensors',
      seeds: [WEIGHTS],
      decode: decodeHeader,
    },
    { name: 'jsonl', seeds: [RECORDS], decode: decodeNamed('a.jsonl') },
    { name: 'jsonl.gz', seeds: [gzipSync(RECORDS)], decode: decodeNamed('a.jsonl.gz') },
    { name: 'tar', seeds: [tar], decode: decodeNamed('a.tar') },
    { name: 'tar.gz', seeds: [gzipSync(tar)], decode: decodeNamed('a.tgz') },
    { name: 'zst', seeds: [ZST], decode: decodeNamed('a.txt.zst') },
    {
      name: 'zip',
      seeds: [zipSync({ 'a.txt': Buffer.from('first '.repeat(50)), 'b/c.txt': RECORDS })],
      decode: (bytes) => decodeInFile('a.zip', bytes),
    },
    { name: 'parquet', seeds: [PARQUET], decode: decodeParquet },
    { name: 'receipt', seeds: [RECEIPT], decode: (bytes) => verifyReceipt(bytes) },
    { name: 'lossless JSON', seeds: [RECEIPT], decode: (bytes) => parseLosslessJson(TEXT.decode(bytes)) },
    {
      name: 'keystore',
      seeds: [Buffer.from(formatKeystore([Keypair.fromSecret(new Uint8Array(32).fill(5))]))],
      decode: (bytes) => parseKeystore(TEXT.decode(bytes)),
    },
    {
      name: 'aliases',
      seeds: [Buffer.from('[{"alias":"one","public_key_base64":"AA=="}]')],
      decode: (bytes) => parseAliases(TEXT.decode(bytes)),
    },
    {
      name: 'client.yaml',
      seeds: [Buffer.from(ClientConfig.create({ keystorePath: '/k' }).toString())],
      decode: (bytes) => ClientConfig.parse(TEXT.decode(bytes)),
    },
    { name: 'journal', seeds: [journalSeed()], decode: decodeJournal },
  ];
}

function chainDecoders({ target, summary, contents, effects }: ChainSeeds): Decoder[] {
  return [
    { name: 'transaction', seeds: TRANSACTIONS, decode: decodeTransactionData },
    { name: 'signed transaction', seeds: SIGNED, decode: decodeSignedTransaction },
    { name: 'user signature', seeds: SIGNED.map((bytes) => bytes.slice(-97)), decode: decodeUserSignature },
    { name: 'object', seeds: [hex(chain.coinObject.bcsHex)], decode: decodeObject },
    { name: 'coin', seeds: [new Uint8Array(8).fill(3)], decode: decodeCoin },
    { name: 'target', seeds: [target], decode: decodeTarget },
    { name: 'effects', seeds: [effects], decode: decodeEffects },
    { name: 'checkpoint summary', seeds: [summary], decode: decodeCheckpointSummary },
    { name: 'checkpoint contents', seeds: [contents], decode: decodeCheckpointContents },
  ];
}

function clientDecoders({ checkpointMessage, epochMessage, targetMessage }: ChainSeeds): Decoder[] {
  // Bytes that are not protobuf at all are the runtime's to refuse, and the transport's to name.
  const read =
    <T>(parse: (bytes: Uint8Array) => T, view: (message: T) => unknown) =>
    (bytes: Uint8Array): unknown => {
      let message: T;
      try {
        message = parse(bytes);
      } catch {
        return undefined;
      }
      return view(message);
    };
  return [
    {
      name: 'checkpoint message',
      seeds: [checkpointMessage],
      decode: read(
        (bytes) => fromBinary(CheckpointSchema, bytes),
        (message) => checkpointFrom(message),
      ),
    },
    {
      name: 'epoch message',
      seeds: [epochMessage],
      decode: read(
        (bytes) => fromBinary(EpochSchema, bytes),
        (message) => epochFrom(message),
      ),
    },
    {
      name: 'target message',
      seeds: [targetMessage],
      decode: read(
        (bytes) => fromBinary(TargetSchema, bytes),
        (message) => targetFrom(message),
      ),
    },
  ];
}

function decodeHeader(bytes: Uint8Array): unknown {
  const length = safetensorsHeaderBytes(bytes, bytes.length);
  return parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.length);
}

/** Reads a stream to its end, as the file of that name. */
function decodeNamed(name: string): (bytes: Uint8Array) => Promise<void> {
  return async (bytes) => {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    await drain(documentsOf({ name, pieces }, {}));
  };
}

async function decodeParquet(bytes: Uint8Array): Promise<void> {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {};
  const randomAccess = async () => ({
    sizeBytes: bytes.length,
    read: async (start: number, end: number) => bytes.subarray(start, end),
  });
  await drain(documentsOf({ name: 'a.parquet', pieces, randomAccess }, { field: 'path' }));
}

async function tarSeed(): Promise<Uint8Array> {
  const archive = pack();
  archive.entry({ name: 'a.txt' }, 'first '.repeat(100));
  archive.entry({ name: 'b/c.txt' }, 'second');
  archive.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of archive) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

/** "hello, hello, …" of 300 bytes, compressed at level 3. */
const ZST = Buffer.from('KLUv/QRYdQAAOGhlbGxvLCABACNSixGQeL0q', 'base64');
