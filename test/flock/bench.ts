import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { LedgerServer } from '../../src/devnet/flock/ledger-server.js';
import { S3Server } from '../../src/devnet/flock/s3-server.js';
import { FlockClient } from '../../src/flock/client.js';
import type { FlockClientOptions, FlockDeps } from '../../src/flock/transport.js';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Closes something when the test ends. */
export function onEnd(close: () => Promise<unknown>): void {
  closers.push(close);
}

/** 2025-04-10 13:08:58 UTC: the day of the second document. */
export const SEED_DAY = Date.UTC(2025, 3, 10, 13, 8, 58);

/** A clock tests move by hand; sleeping moves it too and takes no real time. */
export class FakeClock {
  at: number;
  readonly slept: number[] = [];

  constructor(at = SEED_DAY) {
    this.at = at;
  }

  now = (): number => this.at;

  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.at += ms;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  };
}

export interface Bench {
  readonly ledger: LedgerServer;
  readonly s3: S3Server;
  readonly clock: FakeClock;
  readonly client: FlockClient;
  /** Another client of the same service. */
  clientWith(options?: FlockClientOptions, deps?: FlockDeps): FlockClient;
}

/** Ledger and store on loopback under one clock, and a client for them. */
export async function startBench(options: FlockClientOptions = {}): Promise<Bench> {
  const clock = new FakeClock();
  const ledger = await new LedgerServer().listen();
  const s3 = await new S3Server().listen();
  ledger.now = clock.now;
  s3.now = clock.now;
  ledger.signLink = (key) => s3.sign(key);
  onEnd(() => ledger.close());
  onEnd(() => s3.close());
  const clientWith = (more: FlockClientOptions = {}, deps: FlockDeps = {}): FlockClient => {
    const client = new FlockClient(
      { baseUrl: ledger.baseUrl, apiKey: ledger.apiKey, timeoutMs: 3000, ...more },
      { now: clock.now, sleep: clock.sleep, random: () => 0.5, ...deps },
    );
    onEnd(() => client.close());
    return client;
  };
  return { ledger, s3, clock, client: clientWith(options), clientWith };
}

/** An empty directory, removed when the test ends. */
export async function tempDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'quarry-flock-'));
  onEnd(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** The error a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('expected a failure');
}

/** Everything an async iterable yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of source) out.push(item);
  return out;
}
