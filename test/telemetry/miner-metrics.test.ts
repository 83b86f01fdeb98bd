import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createMinerMetrics, type MeteredSummary } from '../../src/telemetry/miner-metrics.js';
import { STATUS } from './status.js';

const FRESH: MeteredSummary = {
  samples: 0,
  scored: 0,
  hits: 0,
  submitted: 0,
  composed: 0,
  accepted: 0,
  lost: 0,
  rejected: 0,
  unknown: 0,
  claimed: 0,
  rewardShannons: 0n,
  feesShannons: 0n,
  balanceShannons: undefined,
  openTargets: 0,
  epoch: undefined,
  paused: false,
  durationMs: 1_500,
};
const KNOWN = { ...FRESH, submitted: 5, accepted: 3, lost: 2, balanceShannons: 2_500_000_000n, epoch: 7n };

describe('metrics', () => {
  it('omit what is not known yet', async () => {
    const text = await createMinerMetrics(() => FRESH, '1.0.0').text();
    expect(text).not.toMatch(/^quarry_(balance_soma|epoch|open_targets)\b/m);
    expect(text).toContain('quarry_uptime_seconds 1.5');
    expect(text).not.toMatch(/^quarry_hit_to_answer_seconds_bucket/m);
  });

  it('report outcomes by label, latencies as histograms, and what runs', async () => {
    const metrics = createMinerMetrics(() => KNOWN, '1.0.0');
    metrics.observeSubmitted(4);
    metrics.observeOutcome('lost', 80);
    const text = await metrics.text();
    expect(text).toContain('quarry_submissions_total{outcome="accepted"} 3');
    expect(text).toContain('quarry_submissions_total{outcome="lost"} 2');
    expect(text).toContain('quarry_balance_soma 2.5');
    expect(text).toContain('quarry_hit_to_wire_seconds_bucket{le="0.005"} 1');
    expect(text).toContain('quarry_hit_to_answer_seconds_bucket{le="0.1",outcome="lost"} 1');
    expect(text).toMatch(/^quarry_build_info\{version="1.0.0",node="v/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d/m);
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type }));
    expect(types.filter(({ name, type }) => (type === 'counter') !== name.endsWith('_total'))).toEqual([]);
  });

  it("report the miner's state, and omit what is not known", async () => {
    const claimable = { due: 3, bondsOutShannons: 1_500_000_000n };
    const text = await createMinerMetrics(
      () => KNOWN,
      '1.0.0',
      () => ({ status: STATUS, claimable }),
    ).text();
    for (const line of [
      'quarry_queued_submissions 2',
      'quarry_reach_ratio 0.25',
      'quarry_claims_open 1',
      'quarry_claims_due 3',
      'quarry_bonds_out_soma 1.5',
      'quarry_store_bytes 4',
      'quarry_node_connected{node="http://n"} 1',
      'quarry_node_checkpoint_age_seconds{node="http://n"} 0.01',
      'quarry_models{state="ready"} 1',
      'quarry_models{state="failed"} 0',
      'quarry_fleet_scorers 1',
      'quarry_fleet_queued 4',
      'quarry_fleet_samples_total 10',
      'quarry_fleet_left_out_total 1',
      'quarry_fleet_scorer_samples_per_second{scorer="0badcafe",runs="box native"} 2.5',
      'quarry_fleet_scorer_models{scorer="0badcafe",runs="box native"} 3',
      'quarry_fleet_scorer_seen_seconds{scorer="0badcafe",runs="box native"} 1.5',
    ])
      expect(text).toContain(`${line}\n`);
    const silent = {
      ...STATUS,
      run: undefined,
      nodes: [],
      fleet: undefined,
      store: { ...STATUS.store, bytes: undefined },
    };
    const unknown = { status: silent, claimable: { due: undefined, bondsOutShannons: 0n } };
    const less = await createMinerMetrics(
      () => KNOWN,
      '1.0.0',
      () => unknown,
    ).text();
    expect(less).not.toMatch(/^quarry_(queued|reach|node|fleet|store_bytes|disk|claims_due)/m);
    // Two answered once; where the server is silent, none can be reached.
    const gone = { ...STATUS, fleet: { ...STATUS.fleet!, live: undefined, queued: undefined } };
    const none = await createMinerMetrics(
      () => KNOWN,
      '1.0.0',
      () => ({ status: gone, claimable: { due: undefined, bondsOutShannons: 0n } }),
    ).text();
    expect(none).toContain('quarry_fleet_scorers 0\n');
    expect(none).not.toMatch(/^quarry_fleet_(queued|scorer_)/m);
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  it.skipIf(!hasPromtool)('pass promtool', async () => {
    const claimable = { due: 3, bondsOutShannons: 1n };
    const metrics = createMinerMetrics(
      () => KNOWN,
      '1.0.0',
      () => ({ status: STATUS, claimable }),
    );
    metrics.observeSubmitted(4);
    metrics.observeOutcome('accepted', 80);
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: await metrics.text() });
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });
});
