import { type Codec, string, struct, u64, vector } from '../../soma/chain/bcs/index.js';
import type { Digest } from '../../soma/chain/digest.js';
import { isId, normaliseId, type ObjectId } from '../../soma/chain/id.js';
import type { Keypair } from '../../soma/chain/keys/keypair.js';
import { encodeTransactionData, type TransactionData } from '../../soma/chain/transaction/index.js';
import { coinBalance, refOf } from './ledger/ledger-object.js';
import type { DevnetNode } from './node.js';
import type { BcsMethod } from './rpc/bcs-service.js';
import { RpcStatus } from './rpc/rpc-status.js';
import { untilCheckpointed } from './until-checkpointed.js';

/** A coin sent by the faucet. */
export interface GivenCoin {
  /** Shannons. */
  readonly amount: bigint;
  readonly id: ObjectId;
  readonly transferTxDigest: Digest;
}

interface GasRequest {
  readonly recipient: string;
}

interface GasResponse {
  readonly status: string;
  readonly coinsSent: readonly GivenCoin[];
}

const requestCodec: Codec<GasRequest> = struct<GasRequest>({ recipient: string });
const responseCodec: Codec<GasResponse> = struct<GasResponse>({
  status: string,
  coinsSent: vector(struct<GivenCoin>({ amount: u64, id: string, transferTxDigest: string })),
});

/** Amounts sent by the faucet. */
export interface FaucetOptions {
  readonly keypair: Keypair;
  /** Shannons per coin. */
  readonly amount: bigint;
  /** Coins per request. */
  readonly coins: number;
}

/** Sends coins to any address with ordinary signed transactions, one at a time. */
export class Faucet {
  readonly #node: DevnetNode;
  readonly #options: FaucetOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: FaucetOptions, deps: { readonly node: DevnetNode }) {
    this.#options = options;
    this.#node = deps.node;
  }

  /**
   * Sends coins and waits until they are in a checkpoint.
   *
   * @throws RpcStatus INVALID_ARGUMENT for a malformed recipient, INTERNAL when the faucet is empty
   */
  request(recipient: string): Promise<readonly GivenCoin[]> {
    const run = this.#last.then(() => this.#give(recipient));
    this.#last = run.catch(() => {});
    return run;
  }

  async #give(recipient: string): Promise<readonly GivenCoin[]> {
    const { keypair, amount, coins } = this.#options;
    if (!isId(recipient)) throw new RpcStatus('INVALID_ARGUMENT', 'Invalid address: expected hexadecimal digits');
    const to = normaliseId(recipient);
    const richest = [...this.#node.ledger.objects.ownedBy(keypair.address)]
      .filter((each) => each.payload.type === 'Coin')
      .sort((a, b) => (coinBalance(a) > coinBalance(b) ? -1 : 1))[0];
    if (richest === undefined) throw new RpcStatus('INTERNAL', 'the faucet has no coins left');
    const source = refOf(richest);
    const data: TransactionData = {
      kind: {
        kind: 'payCoins',
        coins: [source],
        amounts: Array.from({ length: coins }, () => amount),
        recipients: Array.from({ length: coins }, () => to),
      },
      sender: keypair.address,
      gasPayment: [source],
    };
    const executed = await this.#node.submit(data, [keypair.signTransaction(encodeTransactionData(data))]);
    if (executed.effects.status.kind === 'failure') {
      throw new RpcStatus('INTERNAL', `the faucet's transaction failed: ${executed.effects.status.error.kind}`);
    }
    await untilCheckpointed(this.#node, executed.digest);
    return executed.written
      .filter((each) => each.objectId !== richest.objectId)
      .map((each) => ({ amount: coinBalance(each), id: each.objectId, transferTxDigest: executed.digest }));
  }

  /** The faucet as a gRPC method. */
  method(): BcsMethod<GasRequest, GasResponse> {
    return {
      path: '/faucet.Faucet/RequestGas',
      request: requestCodec,
      response: responseCodec,
      handle: async ({ recipient }) => ({ status: 'Success', coinsSent: await this.request(recipient) }),
    };
  }
}
