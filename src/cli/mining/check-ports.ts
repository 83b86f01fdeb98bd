import { createServer } from 'node:net';
import type { Config } from '../../config/index.js';
import { QuarryError } from '../../errors/index.js';
import { listen } from '../../net/index.js';
import { assertGuarded } from '../../telemetry/api/http-api.js';

/**
 * Checks that ports can be listened on before a miner creates anything.
 *
 * @param isNew whether there is no state yet. Otherwise the state's own miner may hold the ports, which locking the
 * state reports
 * @throws QuarryError `USAGE` when two services would share one
 * @throws QuarryError `CONFLICT` when one is taken
 * @throws QuarryError `CONFIG_INVALID` when the HTTP API would be open to other machines without a token
 */
export async function checkPorts(
  config: Pick<Config, 'apiPort' | 'apiHost' | 'apiToken' | 'dataPort' | 'hostInterface' | 's3Bucket'>,
  isNew: boolean,
): Promise<void> {
  const { apiPort, apiHost, apiToken, hostInterface } = config;
  const dataPort = config.s3Bucket === undefined ? config.dataPort : undefined;
  if (apiPort !== undefined) assertGuarded(apiHost, apiToken);
  if (apiPort !== undefined && apiPort !== 0 && apiPort === dataPort) {
    throw new QuarryError('USAGE', `--api-port and --data-port are both ${apiPort}`, {
      hint: 'the page and the submitted data each need a port',
    });
  }
  if (!isNew) return;
  if (apiPort !== undefined) await assertFree('--api-port', apiPort, apiHost);
  if (dataPort !== undefined) await assertFree('--data-port', dataPort, hostInterface);
}

/**
 * Listens on the port briefly, before what would serve there creates anything.
 *
 * @param flag named in errors
 * @throws QuarryError `CONFLICT` when the port is taken, `CONFIG_INVALID` when the host is not an address of this machine
 */
export async function assertFree(flag: string, port: number, host: string): Promise<void> {
  const server = createServer();
  await listen(server, { host, port, what: flag });
  await new Promise((resolve) => server.close(resolve));
}
