import { Gauge, type Registry } from 'prom-client';
import type { MinerStatus } from './api/api-types.js';
import { addFleetMetrics } from './fleet-metrics.js';

/** Rewards and bonds owed to the miner; `undefined` before the epoch is known. */
export interface Claimable {
  /** Number of claims that are due. */
  readonly due: number | undefined;
  /** Bonds not yet returned by claims, shannons. */
  readonly bondsOutShannons: bigint;
}

const SHANNONS_PER_SOMA = 1e9;

/** Adds metrics of a miner's status to a registry; unknown values are absent. */
export function addStatusMetrics(registry: Registry, status: MinerStatus, claimable: Claimable): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: number | undefined): void => {
    if (value !== undefined) new Gauge({ name, help, registers }).set(value);
  };
  const { run, store, totals } = status;
  gauge('quarry_queued_submissions', 'Submissions queued or awaiting an answer.', run?.queued);
  gauge('quarry_reach_ratio', 'Share of recently opened targets for which the store had an answer.', run?.reach);
  gauge('quarry_claims_open', 'Claims not yet made.', totals.unclaimed);
  gauge('quarry_claims_due', 'Claims that are due.', claimable.due);
  gauge('quarry_bonds_out_soma', 'Bonds not yet returned by a claim, in SOMA.', soma(claimable.bondsOutShannons));
  gauge('quarry_store_samples', 'Samples in the store.', store.samples);
  gauge('quarry_store_bytes', 'Bytes of samples and scores on disk.', store.bytes);
  gauge('quarry_disk_free_bytes', 'Free bytes of the disk with the state.', store.diskFreeBytes);
  addNodes(registers, status.nodes);
  addModels(registers, status.models);
  if (status.fleet !== undefined) addFleetMetrics(registers, status.fleet);
}

function addNodes(registers: Registry[], nodes: MinerStatus['nodes']): void {
  if (nodes.length === 0) return;
  const labelNames = ['node'];
  const connected = new Gauge({
    name: 'quarry_node_connected',
    help: 'Whether a fullnode responds.',
    labelNames,
    registers,
  });
  const age = new Gauge({
    name: 'quarry_node_checkpoint_age_seconds',
    help: "Time since a fullnode's last checkpoint.",
    labelNames,
    registers,
  });
  const latency = new Gauge({
    name: 'quarry_node_latency_seconds',
    help: 'Median time a fullnode takes to answer a probe.',
    labelNames,
    registers,
  });
  for (const { url: node, connected: isConnected, checkpointAgeMs, latencyMs } of nodes) {
    connected.set({ node }, Number(isConnected));
    if (checkpointAgeMs !== undefined) age.set({ node }, checkpointAgeMs / 1_000);
    if (latencyMs !== undefined && Number.isFinite(latencyMs)) latency.set({ node }, latencyMs / 1_000);
  }
}

function addModels(registers: Registry[], models: MinerStatus['models']): void {
  const counted = new Gauge({
    name: 'quarry_models',
    help: 'Models that targets may name, by the state of their weights.',
    labelNames: ['state'],
    registers,
  });
  for (const state of ['waiting', 'fetching', 'ready', 'failed'] as const) {
    counted.set({ state }, models.filter((model) => model.state === state).length);
  }
}

/** Converts shannons to SOMA as a floating-point number, as metrics require. */
export function soma(shannons: bigint): number {
  return Number(shannons) / SHANNONS_PER_SOMA;
}
