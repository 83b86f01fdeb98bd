import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { spawnDevnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { QuarryError } from '../../../src/errors/index.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { RawClient } from './raw-client.js';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

// A busy machine starts processes slowly.
describe('the devnet process', { timeout: 120_000 }, () => {
  it('serves, and stops when closed', async () => {
    const devnet = await spawnDevnet({ seed: 3, faucetAmount: 5n });
    const rpc = new RawClient(devnet.rpcUrl);
    const info = await rpc.call(LedgerService.method.getServiceInfo, {});
    expect(info.chainId).toBe(devnet.chainId);
    rpc.close();
    await devnet.close();
    expect(isAlive(devnet.pid)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('inherits no secret', async () => {
    process.env['SOMA_SECRET_KEY'] = 'somaprivkey1-of-nobody';
    try {
      const devnet = await spawnDevnet({ seed: 4 });
      const environment = readFileSync(`/proc/${devnet.pid}/environ`, 'utf8').split('\0');
      await devnet.close();
      expect(environment.some((each) => each.startsWith('PATH='))).toBe(true);
      expect(environment.join()).not.toContain('somaprivkey1-of-nobody');
    } finally {
      delete process.env['SOMA_SECRET_KEY'];
    }
  });

  it('passes on what is wrong with its options', async () => {
    const error = await spawnDevnet({ auditShare: 7 }).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(QuarryError);
    expect((error as QuarryError).code).toBe('INVALID_ARGUMENT');
  });

  it('reports a port that is taken', async () => {
    const first = await startDevnet({ seed: 1 });
    const port = Number(new URL(first.rpcUrl).port);
    const error = await startDevnet({ seed: 1, ports: { rpc: port } }).catch((each: unknown) => each);
    expect((error as QuarryError).code).toBe('CONFLICT');
    await first.close();
  });

  it('starts from any directory, and ends with the process that started it', async () => {
    const starter = fileURLToPath(new URL('./start-and-wait.ts', import.meta.url));
    const parent = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), starter], {
      cwd: tmpdir(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => {
      createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line)));
    });
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false);
  });
});
