import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { deserialize } from 'node:v8';
import { toQuarryError } from '../../errors/index.js';
import { startDevnet } from './devnet.js';
import type { DevnetOptions } from './options.js';

// Entry point of the devnet's own process: reads options as one line of stdin and writes endpoints as one line of JSON.
// Ends on SIGTERM, SIGINT or end of input, which tells it that its parent is gone.
const input = createInterface({ input: process.stdin });
const [line] = (await once(input, 'line')) as [string];
try {
  const devnet = await startDevnet(deserialize(Buffer.from(line, 'base64')) as DevnetOptions);
  const { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId } = devnet;
  process.stdout.write(`${JSON.stringify({ rpcUrl, faucetUrl, adminUrl, httpUrl, chainId })}\n`);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(input, 'close')]);
  await devnet.close();
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: toQuarryError(error, 'starting the devnet') })}\n`);
  process.exitCode = 1;
}
input.close();
process.stdin.destroy();
