import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMinerMetrics } from '../../src/telemetry/miner-metrics.js';

const deploy = new URL('../../deploy/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, deploy), 'utf8');

/** Names of every metric a miner exports once everything is known. */
async function exported(): Promise<Set<string>> {
  const counts = { samples: 0, scored: 0, hits: 0, submitted: 0, accepted: 0, lost: 0, rejected: 0, unknown: 0 };
  const amounts = { claimed: 0, rewardShannons: 0n, feesShannons: 0n, balanceShannons: 1n };
  const state = { openTargets: 1, epoch: 1n, paused: false, durationMs: 1 };
  const metrics = createMinerMetrics(() => ({ ...counts, ...amounts, ...state }), '1.0.0');
  metrics.observeSubmitted(1);
  metrics.observeOutcome('lost', 1);
  return new Set([...(await metrics.text()).matchAll(/^([a-z_]+)[{ ]/gm)].map(([, name = '']) => name));
}

describe('what is deployed', () => {
  it('asks for metrics that a miner exports', async () => {
    const names = await exported();
    const asked = `${read('alerts.yaml')}${read('grafana/quarry.json')}`.match(/\b(quarry|process)_[a-z_]+/g) ?? [];
    expect(asked.length).toBeGreaterThan(10);
    expect([...new Set(asked)].filter((name) => !names.has(name))).toEqual([]);
  });

  it('runs as nobody in particular, and writes nothing but its state', () => {
    const { quarry } = parse(read('compose.yaml')).services;
    expect(quarry).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(read('Dockerfile')).toMatch(/^USER node$/m);
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK /m);
    expect(read('quarry.service')).toMatch(/^DynamicUser=yes$/m);
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  it.skipIf(!hasPromtool)('has alert rules that fire when they should, by promtool', () => {
    const run = (...args: string[]) => spawnSync('promtool', args, { cwd: deploy, encoding: 'utf8' });
    const checked = run('check', 'rules', 'alerts.yaml');
    expect([checked.status, checked.stderr]).toEqual([0, '']);
    const tested = run('test', 'rules', 'alerts.test.yaml');
    expect([tested.status, tested.stdout, tested.stderr]).toEqual([0, expect.stringContaining('SUCCESS'), '']);
  });
});
