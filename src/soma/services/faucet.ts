import { type Address, bcs, type Digest, normaliseId, type ObjectId } from '../chain/index.js';
import type { CallOptions } from '../client/transport/index.js';
import { BcsService, bcsMethod } from './bcs-service.js';

/** A coin that the faucet sent. */
export interface FaucetCoin {
  readonly objectId: ObjectId;
  readonly amountShannons: bigint;
  readonly transferDigest: Digest;
}

interface GasResponse {
  readonly status: string;
  readonly coinsSent: readonly { readonly amount: bigint; readonly id: string; readonly transferTxDigest: string }[];
}

const { string, struct, u64, vector } = bcs;

/** `/faucet.Faucet/RequestGas`: `GasRequest { recipient }`, `GasResponse { status, coins_sent }`. */
export const REQUEST_GAS = bcsMethod(
  '/faucet.Faucet/RequestGas',
  struct<{ readonly recipient: string }>({ recipient: string }),
  struct<GasResponse>({
    status: string,
    coinsSent: vector(struct<GasResponse['coinsSent'][number]>({ amount: u64, id: string, transferTxDigest: string })),
  }),
);

/** The faucet waits for its transfer's checkpoint and handles one request at a time. */
const TIMEOUT_MS = 60_000;

/** Client of a test network's faucet. */
export class FaucetClient extends BcsService {
  /**
   * Requests coins; they are in a checkpoint when this returns.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when the faucet does not accept the address
   */
  async requestGas(recipient: Address, options: CallOptions = {}): Promise<readonly FaucetCoin[]> {
    const answer = await this.call(
      REQUEST_GAS,
      { recipient: normaliseId(recipient) },
      { ...options, timeoutMs: options.timeoutMs ?? TIMEOUT_MS },
    );
    return answer.coinsSent.map((coin) => ({
      objectId: normaliseId(coin.id),
      amountShannons: coin.amount,
      transferDigest: coin.transferTxDigest,
    }));
  }
}
