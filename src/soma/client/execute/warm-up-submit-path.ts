import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../../../errors/index.js';
import {
  digestFromBytes,
  encodeSignedTransaction,
  Keypair,
  manifestOf,
  scalarTensor,
  signTransaction,
  type TransactionData,
  vectorTensor,
} from '../../chain/index.js';
import { executionRequest } from './execution-request.js';

/** After about this many rounds, submissions do not get any faster. */
const ROUNDS = 150;

/**
 * Builds, signs and encodes submissions until the runtime has compiled that code: the first submission is tens of times
 * slower than the hundredth, and races are decided by milliseconds. Nothing is sent; the key is temporary.
 *
 * @param embeddingDim width of the network's embeddings
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function warmUpSubmitPath(embeddingDim: number, signal?: AbortSignal): Promise<void> {
  const signer = Keypair.generate();
  const id = (): string => `0x${randomBytes(32).toString('hex')}`;
  const bytes = randomBytes(1024);
  const embedding = new Float32Array(embeddingDim).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    const coin = { objectId: id(), version: 1n, digest: digestFromBytes(randomBytes(32)) };
    const data: TransactionData = {
      kind: {
        kind: 'submitData',
        targetId: id(),
        dataManifest: manifestOf(`http://localhost/${round}`, bytes),
        modelId: id(),
        embedding: vectorTensor(embedding),
        distanceScore: scalarTensor(0.5),
        lossScore: vectorTensor([1]),
        bondCoin: coin,
      },
      sender: signer.address,
      gasPayment: [coin],
    };
    const signed = await signTransaction(data, signer);
    encodeSignedTransaction(signed);
    executionRequest(signed, ['effects', 'balance_changes']);
    // Yield to real work.
    await setImmediate();
    throwIfAborted(signal, 'warming up the submit path');
  }
}
