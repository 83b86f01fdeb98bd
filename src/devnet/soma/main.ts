import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { deserialize } from 'node:v8';
import { toQuarryError } from '../../errors/index.js';
import { startDevnet } from './devnet.js';
import type { DevnetOptions } from './options.js';

// The devnet's own process: options come as one line on stdin, endpoints go out as one line of JSON. It ends with
// SIGTERM, SIGINT, or its input, which is how it notices that its parent is gone.
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
