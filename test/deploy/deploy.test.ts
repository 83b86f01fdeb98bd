import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig, SETTINGS, type Setting } from '../../src/config/index.js';
import { createMinerMetrics } from '../../src/telemetry/miner-metrics.js';
import { STATUS } from '../telemetry/status.js';

const deploy = new URL('../../deploy/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, deploy), 'utf8');

/** Names of every metric a miner exports once everything is known. */
async function exported(): Promise<Set<string>> {
  const counts = {
    samples: 0,
    scored: 0,
    hits: 0,
    submitted: 0,
    composed: 0,
    accepted: 0,
    lost: 0,
    rejected: 0,
    unknown: 0,
  };
  const amounts = { claimed: 0, rewardShannons: 0n, feesShannons: 0n, balanceShannons: 1n };
  const state = { openTargets: 1, epoch: 1n, paused: false, durationMs: 1 };
  const metrics = createMinerMetrics(
    () => ({ ...counts, ...amounts, ...state }),
    '1.0.0',
    () => ({
      status: { ...STATUS, store: { ...STATUS.store, diskFreeBytes: 1 } },
      claimable: { due: 1, bondsOutShannons: 1n },
    }),
  );
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

  it('shows every metric of a miner on the dashboard', async () => {
    // A histogram is drawn by its buckets.
    const parts = /_(sum|count)$/;
    const names = [...(await exported())].filter((name) => name.startsWith('quarry_') && !parts.test(name));
    expect(names.length).toBeGreaterThan(30);
    const { panels } = JSON.parse(read('grafana/quarry.json'));
    const drawn = new Set(JSON.stringify(panels).match(/\bquarry_[a-z_]+/g));
    expect(names.filter((name) => !drawn.has(name))).toEqual([]);
  });

  it('has panels beside and below each other, each with a number of its own', () => {
    const { panels } = JSON.parse(read('grafana/quarry.json'));
    const taken = new Map<string, number>();
    for (const { id, gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x} ${y}`), `panel ${id} lies on another`).toBeUndefined();
          taken.set(`${x} ${y}`, id);
        }
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
    expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
  });

  it('has a test of every alert rule', () => {
    const rules = parse(read('alerts.yaml')).groups.flatMap(({ rules }: { rules: { alert: string }[] }) => rules);
    const tests: { alert_rule_test: { alertname: string }[] }[] = parse(read('alerts.test.yaml')).tests;
    const tested = new Set(tests.flatMap((test) => test.alert_rule_test.map(({ alertname }) => alertname)));
    expect(rules.map(({ alert }: { alert: string }) => alert).filter((name: string) => !tested.has(name))).toEqual([]);
  });

  it('runs as an unprivileged user, and writes nothing but its state', () => {
    const { quarry } = parse(read('compose.yaml')).services;
    expect(quarry).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(read('Dockerfile')).toMatch(/^USER 1000$/m);
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK /m);
    expect(read('quarry.service')).toMatch(/^DynamicUser=yes$/m);
  });

  // Locks of keys and speeds of engines lie in the home directory, whatever the state directory.
  it('has a writable home directory, wherever it runs', () => {
    const home = /^ENV .*\bHOME=(\S+)/m.exec(read('Dockerfile'))?.[1];
    expect(parse(read('compose.yaml')).services.quarry.volumes).toContain(`state:${home}`);
    const set = parseAllDocuments(read('kubernetes.yaml')).at(-1)?.toJS();
    const [claim] = set.spec.volumeClaimTemplates;
    expect(set.spec.template.spec.containers[0].volumeMounts).toContainEqual({
      name: claim.metadata.name,
      mountPath: home,
    });
    const unit = read('quarry.service');
    const state = /^StateDirectory=(\S+)$/m.exec(unit)?.[1];
    expect(/^Environment=HOME=(\S+)$/m.exec(unit)?.[1]).toBe(`/var/lib/${state}`);
  });

  // Measured: with an arena for each thread, glibc holds four times what is in use.
  it('has one malloc arena, wherever it runs', () => {
    expect(read('Dockerfile')).toMatch(/^ENV MALLOC_ARENA_MAX=1$/m);
    expect(read('quarry.service')).toMatch(/^Environment=MALLOC_ARENA_MAX=1$/m);
    expect(readFileSync(new URL('../docs/mining.md', deploy), 'utf8')).toMatch(/^Environment=MALLOC_ARENA_MAX=1$/m);
  });

  it('names secrets by the variables of settings', () => {
    const named = `${read('kubernetes.yaml')}${read('compose.yaml')}`.match(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g) ?? [];
    const variables = Object.values(SETTINGS as Readonly<Record<string, Setting>>).map(({ env }) => env);
    expect(named).toContain('S3_SECRET_ACCESS_KEY');
    expect(named.filter((name) => !variables.includes(name))).toEqual([]);
  });

  it('runs on Kubernetes without a privilege it does not need, with settings that exist', async () => {
    const [config, service, set] = parseAllDocuments(read('kubernetes.yaml')).map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS();
    });
    const { template, volumeClaimTemplates, serviceName, replicas } = set.spec;
    const [container] = template.spec.containers;
    expect([replicas, serviceName]).toEqual([1, service.metadata.name]);
    expect(template.metadata.labels).toEqual(service.spec.selector);
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true },
    });
    expect(container.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    const volumes = [...template.spec.volumes, ...volumeClaimTemplates.map(({ metadata }: never) => metadata)];
    const mounted = container.volumeMounts.map(({ name }: { name: string }) => name).sort();
    expect(volumes.map(({ name }) => name).sort()).toEqual(mounted);
    const dir = await mkdtemp(join(tmpdir(), 'quarry-deploy-'));
    try {
      const file = join(dir, 'quarry.yaml');
      await writeFile(file, config.data['quarry.yaml'], { mode: 0o600 });
      await expect(loadConfig({ flags: {}, env: {}, file })).resolves.toMatchObject({ s3Bucket: 'my-data' });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  it.skipIf(!hasPromtool)('has alert rules that fire when they should, by promtool', () => {
    const run = (...args: string[]) => spawnSync('promtool', args, { cwd: deploy, encoding: 'utf8' });
    const tested = run('test', 'rules', 'alerts.test.yaml');
    expect([tested.status, tested.stdout, tested.stderr]).toEqual([0, expect.stringContaining('SUCCESS'), '']);
  });
});
