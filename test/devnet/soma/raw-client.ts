import type { DescMethodUnary } from '@bufbuild/protobuf';
import { create, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ExecutedTransaction } from '../../../src/gen/soma/rpc/executed_transaction_pb.js';
import { StateService } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { TransactionExecutionService } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { type Codec, decodeBcs, encodeBcs, string, struct, u64, vector } from '../../../src/soma/chain/bcs/index.js';
import { decodeCoin } from '../../../src/soma/chain/coin.js';
import { normaliseId } from '../../../src/soma/chain/id.js';
import type { Keypair } from '../../../src/soma/chain/keys/keypair.js';
import type { ObjectRef } from '../../../src/soma/chain/object-ref.js';
import {
  encodeTransactionData,
  type TransactionData,
  type TransactionKind,
} from '../../../src/soma/chain/transaction/index.js';
import { transactionToRpc, userSignatureToRpc } from '../../../src/soma/chain/wire/index.js';

/** A gRPC client without any of the library's own client code. */
export class RawClient {
  readonly #client: Client;
  headers: Metadata | undefined;

  constructor(url: string) {
    this.#client = new Client(url.replace('http://', ''), credentials.createInsecure());
  }

  call<M extends DescMethodUnary>(method: M, init: MessageInitShape<M['input']>): Promise<MessageShape<M['output']>> {
    const path = `/${method.parent.typeName}/${method.name}`;
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path,
        (message: MessageShape<M['input']>) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => fromBinary(method.output, bytes) as MessageShape<M['output']>,
        create(method.input, init) as MessageShape<M['input']>,
        (error, response) => (error === null ? resolve(response!) : reject(error)),
      );
      call.on('metadata', (metadata) => {
        this.headers = metadata;
      });
    });
  }

  bcs<I, O>(path: string, request: Codec<I>, response: Codec<O>, value: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (each: I) => Buffer.from(encodeBcs(request, each)),
        (bytes: Buffer) => decodeBcs(response, bytes, 'response'),
        value,
        (error, answer) => (error === null ? resolve(answer!) : reject(error)),
      );
    });
  }

  stream<O>(path: string, request: Uint8Array, decode: (bytes: Buffer) => O) {
    return this.#client.makeServerStreamRequest(path, (each: Buffer) => each, decode, Buffer.from(request));
  }

  close(): void {
    this.#client.close();
  }
}

export function mask(...paths: string[]) {
  return create(FieldMaskSchema, { paths });
}

/** The gRPC status of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<{ code: string; message: string; error: ServiceError }> {
  try {
    await call;
  } catch (error) {
    const service = error as ServiceError;
    return { code: status[service.code], message: service.details, error: service };
  }
  throw new Error('the call succeeded');
}

/** All coins of an owner, richest first. */
export async function coinsOf(rpc: RawClient, owner: string): Promise<(ObjectRef & { balance: bigint })[]> {
  const coins: (ObjectRef & { balance: bigint })[] = [];
  let pageToken: Uint8Array | undefined;
  do {
    const page = await rpc.call(StateService.method.listOwnedObjects, {
      owner,
      objectType: 'Coin',
      readMask: mask('*'),
      ...(pageToken !== undefined && { pageToken }),
    });
    for (const each of page.objects) {
      coins.push({
        objectId: normaliseId(each.objectId!),
        version: each.version!,
        digest: each.digest!,
        balance: decodeCoin(each.contents!).balance,
      });
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && pageToken.length > 0);
  return coins.reverse();
}

/** Signs and executes with real bytes; `spoil` may change the signature. */
export async function execute(
  rpc: RawClient,
  signer: Keypair,
  kind: TransactionKind,
  gas: readonly ObjectRef[],
  spoil: (signature: Uint8Array) => Uint8Array = (each) => each,
): Promise<ExecutedTransaction> {
  const data: TransactionData = { kind, sender: signer.address, gasPayment: gas };
  const signature = spoil(signer.signTransaction(encodeTransactionData(data)));
  const response = await rpc.call(TransactionExecutionService.method.executeTransaction, {
    transaction: transactionToRpc(data),
    signatures: [userSignatureToRpc(signature)],
    readMask: mask('effects', 'balance_changes', 'objects.objects'),
  });
  return response.transaction!;
}

/** Asks the faucet for coins. */
export async function requestGas(faucetUrl: string, recipient: string) {
  const faucet = new RawClient(faucetUrl);
  try {
    return await faucet.bcs(
      '/faucet.Faucet/RequestGas',
      struct<{ recipient: string }>({ recipient: string }),
      struct<{ status: string; coinsSent: readonly { amount: bigint; id: string; digest: string }[] }>({
        status: string,
        coinsSent: vector(
          struct<{ amount: bigint; id: string; digest: string }>({ amount: u64, id: string, digest: string }),
        ),
      }),
      { recipient },
    );
  } finally {
    faucet.close();
  }
}
