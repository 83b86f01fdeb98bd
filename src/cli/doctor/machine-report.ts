import { cpus, totalmem } from 'node:os';
import type { Config } from '../../config/index.js';
import { type EngineProbe, type EngineSpeeds, engineSpeeds, probeEngines } from '../../engine/choose-engine.js';
import { isaLevels } from '../../engine/native/index.js';
import type { IsaLevel } from '../../native/isa-level.js';
import { probeScanners } from '../../store/index.js';
import { MODEL_CONFIGS } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { fleetProbe } from '../mining/fleet-settings.js';
import { engineOptions } from '../mining/miner-settings.js';
import { speedFileOf } from '../state-dir.js';
import { versionOf } from '../version.js';

/** What this machine is, and what runs on it. */
export type MachineReport = Awaited<ReturnType<typeof machineReport>>;

/** Where a GPU begins to be worth a try, at V1's width. */
const SCAN_SIZE = { rows: 10_000, dim: MODEL_CONFIGS.v1.embeddingDim };

/** @param calibrate whether engines are measured, seconds in all, instead of read from what was kept */
export async function machineReport(context: CliContext, config: Config, calibrate: boolean) {
  const { engine: _engine, workers: _workers, ...options } = engineOptions(config);
  const speeds = new Map<string, EngineSpeeds>();
  for (const [name, shape] of Object.entries(MODEL_CONFIGS)) {
    const measured = { ...options, speedFile: speedFileOf(config, context.env), signal: context.signal };
    speeds.set(name, await engineSpeeds(measured, shape, calibrate ? 'always' : 'never'));
  }
  return {
    machine: {
      quarry: versionOf(),
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
    },
    scoring: await probeEngines(options),
    levels: isaLevels(),
    speeds,
    distance: await probeScanners(
      config.isa === undefined ? {} : { isa: config.isa as IsaLevel },
      calibrate ? SCAN_SIZE : undefined,
    ),
    fleet: config.nats === undefined ? undefined : await fleetProbe(config),
  };
}

/** The report as plain data. */
export function machineJson({ speeds, scoring, ...rest }: MachineReport): object {
  const plain = (probe: EngineProbe): object => (probe.available ? probe : { ...probe, error: probe.error.toJSON() });
  const measured = [...speeds].flatMap(([model, { candidates, measuredAt }]) =>
    measuredAt === undefined ? [] : [[model, { measuredAt, engines: candidates.map(plain) }] as const],
  );
  return { ...rest, scoring: scoring.map(plain), speeds: Object.fromEntries(measured) };
}
