import { type Address, decodeCoin, decodeStakedSoma, type ObjectRef, type StakedSoma } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { refOf } from '../decode/object.js';
import { listAllOwnedObjects } from './list-owned-objects.js';

/** A coin and its current reference. */
export interface OwnedCoin extends ObjectRef {
  readonly balanceShannons: bigint;
}

/** A stake and its current reference. */
export interface OwnedStake extends ObjectRef, StakedSoma {}

/** Reads all coins of an owner, largest first. The node lists the smallest first, so this reads all pages. */
export async function listCoins(
  client: ClientContext,
  owner: Address,
  options: CallOptions = {},
): Promise<OwnedCoin[]> {
  const coins: OwnedCoin[] = [];
  for await (const object of listAllOwnedObjects(client, { ...options, owner, objectType: 'Coin' })) {
    coins.push({ ...refOf(object), balanceShannons: decodeCoin(object.payload).balance });
  }
  return coins.sort(richestFirst);
}

/** Orders coins by descending balance, then by id so that the order is total. */
export function richestFirst(a: OwnedCoin, b: OwnedCoin): number {
  if (a.balanceShannons !== b.balanceShannons) return a.balanceShannons > b.balanceShannons ? -1 : 1;
  return a.objectId < b.objectId ? -1 : 1;
}

/** Reads all stakes of an owner. */
export async function listStakes(
  client: ClientContext,
  owner: Address,
  options: CallOptions = {},
): Promise<OwnedStake[]> {
  const stakes: OwnedStake[] = [];
  for await (const object of listAllOwnedObjects(client, { ...options, owner, objectType: 'StakedSoma' })) {
    stakes.push({ ...refOf(object), ...decodeStakedSoma(object.payload) });
  }
  return stakes;
}
