// Lists open targets, then watches what becomes of them: SOMA_RPC_URL=… npx tsx examples/soma-targets.ts [seconds]
import { shannonsToSoma } from 'quarry-miner';
import { SomaClient } from 'quarry-miner/soma';

const client = await SomaClient.connect({ url: process.env['SOMA_RPC_URL'] ?? 'http://127.0.0.1:9000' });
const { targets } = await client.listTargets({
  status: 'open',
  limit: 5,
  readMask: ['reward_pool', 'distance_threshold'],
});
for (const { id, rewardPoolShannons = 0n, distanceThreshold } of targets) {
  console.log(`${id.slice(0, 12)}…  within ${distanceThreshold}  ${shannonsToSoma(rewardPoolShannons)} SOMA`);
}
const signal = AbortSignal.timeout(Number(process.argv[2] ?? 60) * 1000);
let opened = 0;
try {
  for await (const event of client.watchTargets({ signal })) {
    if (event.type === 'opened') opened++;
    else console.log(event.type, event.type === 'synced' ? `${event.open} open` : '');
  }
} catch (error) {
  if (!signal.aborted) throw error;
}
console.log(`${opened} targets seen`);
client.close();
