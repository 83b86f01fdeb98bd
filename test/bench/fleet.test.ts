import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { publishModel } from '../../bench/fleet-model.js';
import { simulatedCases } from '../../bench/fleet-simulated.js';
import { hasNatsServer, startNatsServer } from '../../bench/nats-server.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';

it.skipIf(!hasNatsServer)(
  'measures how a fleet grows, and what a sample costs on the wire',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-bench-'));
    const server = await startNatsServer(dir);
    const model = await publishModel(MODEL_CONFIGS.small, join(dir, 'model'), undefined);
    const results = [];
    for await (const result of simulatedCases(server, model, { quick: true })) results.push(result);
    await model.close();
    await server.close();
    await rm(dir, { recursive: true, force: true });
    const [, bytes, messages, ten] = results;
    // The sample goes out and in, and its embedding too.
    expect(bytes?.value).toBeGreaterThan(2 * 1024 + 2 * 64);
    expect(messages?.value).toBeGreaterThan(4);
    expect(ten?.case).toContain('10 simulated scorers');
    expect(ten?.ratio).toBeGreaterThan(0.5);
  },
  120_000,
);
