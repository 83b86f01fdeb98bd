import { spawnDevnet } from '../../../src/devnet/soma/index.js';

// Started by a test that kills it: the devnet must not outlive it.
const devnet = await spawnDevnet({ seed: 1 });
process.stdout.write(`${devnet.pid}\n`);
setInterval(() => {}, 60_000);
