// A miner of samples that this program makes itself: any AsyncIterable of bytes and where they came from.
//   SOMA_RPC_URL=… SOMA_SECRET_KEY=… npx tsx examples/soma-own-samples.ts
import { createMiner, Keypair } from 'quarry-miner';

async function* samples() {
  for (let n = 0; ; n++) yield { bytes: Buffer.from(`${n} + ${n} = ${2 * n}. `.repeat(64)), origin: `sum ${n}` };
}
const signer = Keypair.fromText(process.env['SOMA_SECRET_KEY'] ?? '');
const network = process.env['SOMA_RPC_URL'] ?? 'testnet';
const stateDir = './own-samples';
const { miner, close } = await createMiner({ network, signer, samples: samples(), stateDir, maxAccepted: 1 });
miner.events.on('hit', ({ origin, distance }) => console.log(`${origin} hit at ${distance.toFixed(4)}`));
console.log(await miner.run({ signal: AbortSignal.timeout(300_000) }));
await close();
