import { readFileSync } from 'node:fs';
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
  encodeCheckpointContents,
  encodeCheckpointSummary,
  encodeCoin,
  encodeEffects,
  encodeObject,
  encodeSignedTransaction,
  encodeTarget,
  encodeTransactionData,
  encodeUserSignature,
} from '../../src/soma/chain/index.js';
import type { ChainSeeds } from './chain-seeds.js';
import type { Decoder } from './decoder.js';
import { valueLies } from './value-lies.js';

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')) as T;

const sdk = vectors<{ transactions: { bcsHex: string; signedHex: string }[] }>('soma-sdk-chain.json');
const chain = vectors<{ coinObject: { bcsHex: string } }>('soma-chain.json');
const TRANSACTIONS = sdk.transactions.slice(0, 12).map(({ bcsHex }) => hex(bcsHex));
const SIGNED = sdk.transactions.slice(-6).map(({ signedHex }) => hex(signedHex));

/** BCS has one form for every value: what is read is written as the same bytes. */
function bcs<T>(
  name: string,
  seeds: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => T,
  encode: (value: T) => Uint8Array,
): Decoder {
  return {
    name,
    seeds,
    lies: valueLies(seeds.map(decode), encode),
    decode: (bytes) => {
      if (!Buffer.from(encode(decode(bytes))).equals(bytes)) throw new Error('bytes that are not canonical were read');
    },
  };
}

/** What the chain stores and signs. */
export function bcsDecoders({ target, summary, contents, effects }: ChainSeeds): Decoder[] {
  const signatures = SIGNED.map((bytes) => bytes.slice(-97));
  return [
    bcs('transaction', TRANSACTIONS, decodeTransactionData, encodeTransactionData),
    bcs('signed transaction', SIGNED, decodeSignedTransaction, encodeSignedTransaction),
    bcs('user signature', signatures, decodeUserSignature, encodeUserSignature),
    bcs('object', [hex(chain.coinObject.bcsHex)], decodeObject, encodeObject),
    bcs('coin', [new Uint8Array(8).fill(3)], decodeCoin, encodeCoin),
    bcs('target', [target], decodeTarget, encodeTarget),
    bcs('effects', [effects], decodeEffects, encodeEffects),
    bcs('checkpoint summary', [summary], decodeCheckpointSummary, encodeCheckpointSummary),
    bcs('checkpoint contents', [contents], decodeCheckpointContents, encodeCheckpointContents),
  ];
}
