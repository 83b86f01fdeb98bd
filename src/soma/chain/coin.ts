import { type Codec, decodeBcs, encodeBcs, struct, u64 } from './bcs/index.js';
import { idCodec, type ObjectId } from './id.js';

/** Contents of a Coin object. */
export interface Coin {
  /** Shannons. */
  readonly balance: bigint;
}

/** Contents of a StakedSoma object. */
export interface StakedSoma {
  readonly poolId: ObjectId;
  readonly stakeActivationEpoch: bigint;
  /** Shannons. */
  readonly principal: bigint;
}

const coinCodec: Codec<Coin> = struct<Coin>({ balance: u64 });

const stakedSomaCodec: Codec<StakedSoma> = struct<StakedSoma>({
  poolId: idCodec,
  stakeActivationEpoch: u64,
  principal: u64,
});

/** The payload of a Coin object, 8 bytes. */
export function encodeCoin(coin: Coin): Uint8Array {
  return encodeBcs(coinCodec, coin);
}

/** @throws QuarryError `BCS_INVALID` when `payload` is not a Coin's */
export function decodeCoin(payload: Uint8Array): Coin {
  return decodeBcs(coinCodec, payload, 'Coin');
}

/** The payload of a StakedSoma object, 48 bytes. */
export function encodeStakedSoma(stake: StakedSoma): Uint8Array {
  return encodeBcs(stakedSomaCodec, stake);
}

/** @throws QuarryError `BCS_INVALID` when `payload` is not a StakedSoma's */
export function decodeStakedSoma(payload: Uint8Array): StakedSoma {
  return decodeBcs(stakedSomaCodec, payload, 'StakedSoma');
}
