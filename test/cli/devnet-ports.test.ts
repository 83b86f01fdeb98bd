import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { protocolConfig } from '../../src/soma/chain/protocol-config.js';
import { SomaClient } from '../../src/soma/client/soma-client.js';
import { cliRunner } from './run-cli.js';

const run = cliRunner({ HOME: '/nonexistent', QUARRY_ENGINE: 'js' });

it('wrong ports are refused before anything is created', async () => {
  const refused = async (...flags: string[]) => {
    const { exit, stderr, stdout } = await run(['devnet', '--models', '1', ...flags]);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).not.toContain('published');
    return stderr;
  };
  expect(await refused('--port', '65536')).toContain('--port expects a whole number from 0 to 65535');
  expect(await refused('--faucet-port', '12.5')).toContain('--faucet-port expects');
  expect(await refused('--scoring-port', 'x')).toContain('--scoring-port expects');
  expect(await refused('--port', '9000', '--admin-port', '9000')).toContain('--port and --admin-port are both 9000');
});

it("a devnet serves scoring beside itself, at the protocol's own threshold", async () => {
  const stop = new AbortController();
  let told = (_line: string): void => {};
  const line = new Promise<string>((resolve) => {
    told = resolve;
  });
  const flags = ['--scoring-port', '0', '--protocol-thresholds', '--protocol-version', '5', '--targets', '3'];
  const serving = run(['devnet', '--json', ...flags], { signal: stop.signal, onOutput: (text) => told(text) });
  const { rpcUrl, scoringUrl } = JSON.parse(await line) as { rpcUrl: string; scoringUrl: string };
  try {
    const client = await SomaClient.connect({ url: rpcUrl, scoringUrl });
    await client.scoring.health();
    const { parameters } = await client.getSystemState();
    expect(parameters.targetInitialDistanceThreshold).toBeCloseTo(protocolConfig(5).targetInitialDistanceThreshold, 6);
    await client.close();
  } finally {
    stop.abort();
    await serving;
  }
});

it('a port that is taken costs nothing but the message', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { exit, stderr } = await run(['devnet', '--models', '1', '--scoring-port', String(port)]);
  expect(exit).not.toBe(0);
  expect(stderr).toContain(String(port));
  expect(stderr).not.toContain('published');
  server.close();
});

it('help, help of a command and -v are what people try first', async () => {
  const [help, flag] = [await run(['help', 'devnet']), await run(['devnet', '--help'])];
  expect([help.exit, help.stdout]).toEqual([0, flag.stdout]);
  expect((await run(['help'])).stdout).toContain('Start here');
  expect((await run(['-v'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it('local is another word for localnet', async () => {
  const { stderr } = await run(['targets', 'list', '--network', 'local'], { env: { QUARRY_FULLNODES: '' } });
  expect(stderr).not.toContain('unknown network');
});
