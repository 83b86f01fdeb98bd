import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { QuarryError } from '../src/errors/index.js';
import { freePort } from './free-port.js';

/** Whether a `nats-server` is here: Debian's package, or a newer one on the path. */
export const hasNatsServer = spawnSync('nats-server', ['--version']).status === 0;

/** A NATS server of its own process. */
export interface NatsServer {
  readonly port: number;
  readonly url: string;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port and disk. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new QuarryError('UNREACHABLE', 'nats-server does not listen');
}

/**
 * Starts a real server with JetStream on disk, on a free loopback port.
 *
 * @param more further arguments of the server
 */
export async function startNatsServer(dir: string, more: readonly string[] = []): Promise<NatsServer> {
  const port = await freePort();
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(dir, 'jetstream'), ...more];
    child = spawn('nats-server', args, { stdio: 'ignore' });
    await untilListening(port);
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  await start();
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    kill,
    restart: start,
    close: kill,
  };
}
