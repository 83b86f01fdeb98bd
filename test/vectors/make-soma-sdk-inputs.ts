// Prints sample inputs for make-soma-sdk.py as JSON: BCS bytes of several transactions of every kind.
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { encodeTransactionData, type TransactionData } from '../../src/soma/chain/index.js';
import { id, kinds, matrix, ref, transactionOf } from '../soma/chain/arbitraries.js';

const transactions = kinds.flatMap((kind) => fc.sample(transactionOf(kind), { seed: 20, numRuns: 3 }));

// Forms that the RPC cannot express but the bytes can.
const [recipient] = fc.sample(id, { seed: 1, numRuns: 1 });
const [coin] = fc.sample(ref, { seed: 1, numRuns: 1 });
const [embedding] = fc.sample(
  matrix.filter((tensor) => tensor.values.length > 4),
  { seed: 1, numRuns: 1 },
);
const unsendable: TransactionData[] = [
  { kind: { kind: 'payCoins', coins: [coin!], recipients: [recipient!] }, sender: recipient!, gasPayment: [coin!] },
  {
    kind: { kind: 'revealModel', modelId: recipient!, decryptionKey: new Uint8Array(32), embedding: embedding! },
    sender: recipient!,
    gasPayment: [coin!],
  },
];

process.stdout.write(
  `${JSON.stringify(
    [...transactions, ...unsendable].map((data) => ({
      kind: data.kind.kind,
      bcsHex: bytesToHex(encodeTransactionData(data)),
    })),
  )}\n`,
);
