import { type Codec, option, struct, u64, vector } from '../bcs/index.js';
import { type Address, idCodec } from '../id.js';
import { type ObjectRef, objectRefCodec } from '../object-ref.js';

/** Sends an amount of one coin. */
export interface TransferCoin {
  readonly coin: ObjectRef;
  /** Shannons; absent sends the whole coin. */
  readonly amount?: bigint | undefined;
  readonly recipient: Address;
}

/** Pays several recipients from several coins. */
export interface PayCoins {
  readonly coins: readonly ObjectRef[];
  /** Shannons per recipient. If absent, everything goes to one recipient, which the RPC cannot express. */
  readonly amounts?: readonly bigint[] | undefined;
  readonly recipients: readonly Address[];
}

/** Transfers whole objects to another owner. */
export interface TransferObjects {
  readonly objects: readonly ObjectRef[];
  readonly recipient: Address;
}

/** Stakes with a validator. */
export interface AddStake {
  /** The validator. */
  readonly address: Address;
  readonly coinRef: ObjectRef;
  /** Shannons; absent stakes the whole coin. */
  readonly amount?: bigint | undefined;
}

/** Converts a stake back to a coin. */
export interface WithdrawStake {
  readonly stakedSoma: ObjectRef;
}

/** BCS of {@link TransferCoin}: its fields in this order. */
export const transferCoinCodec: Codec<TransferCoin> = struct<TransferCoin>({
  coin: objectRefCodec,
  amount: option(u64),
  recipient: idCodec,
});

/** BCS of {@link PayCoins}: its fields in this order. */
export const payCoinsCodec: Codec<PayCoins> = struct<PayCoins>({
  coins: vector(objectRefCodec),
  amounts: option(vector(u64)),
  recipients: vector(idCodec),
});

/** BCS of {@link TransferObjects}: its fields in this order. */
export const transferObjectsCodec: Codec<TransferObjects> = struct<TransferObjects>({
  objects: vector(objectRefCodec),
  recipient: idCodec,
});

/** BCS of {@link AddStake}: its fields in this order. */
export const addStakeCodec: Codec<AddStake> = struct<AddStake>({
  address: idCodec,
  coinRef: objectRefCodec,
  amount: option(u64),
});

/** BCS of {@link WithdrawStake}: its fields in this order. */
export const withdrawStakeCodec: Codec<WithdrawStake> = struct<WithdrawStake>({ stakedSoma: objectRefCodec });
