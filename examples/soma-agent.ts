// The mining step of a larger agent: mines until two submissions are accepted, then hands control back.
//   SOMA_RPC_URL=… SOMA_SECRET_KEY=… npx tsx examples/soma-agent.ts ./corpus
import { mkdtemp } from 'node:fs/promises';
import { createMiner, Keypair, shannonsToSoma } from 'quarry-miner';

const { miner, close } = await createMiner({
  network: process.env['SOMA_RPC_URL'] ?? 'testnet',
  signer: Keypair.fromText(process.env['SOMA_SECRET_KEY'] ?? ''),
  data: process.argv.slice(2),
  stateDir: await mkdtemp('/tmp/quarry-agent-'),
  maxAccepted: 2,
});
miner.events.on('outcome', ({ outcome, rewardShannons }) => console.log(outcome.kind, shannonsToSoma(rewardShannons)));
const { accepted, rejected, samples } = await miner.run({ signal: AbortSignal.timeout(300_000) });
console.log({ accepted, rejected, samples });
await close();
