import { cpus, totalmem } from 'node:os';
import type { Config } from '../../config/index.js';
import {
  type EngineProbe,
  type EngineSpeeds,
  engineSpeeds,
  probeEngines,
} from '../../engine/calibration/engine-speeds.js';
import { probeWebGpu } from '../../engine/gpu/index.js';
import { isaLevels } from '../../engine/native/index.js';
import { gpuProviders, thisMachine } from '../../engine/onnx/requirements/index.js';
import { resolveProvider } from '../../engine/resolve-provider.js';
import { storeDirOf } from '../../miner/state/state-entries.js';
import type { IsaLevel } from '../../native/isa-level.js';
import { packageVersion } from '../../package/package-version.js';
import { MODEL_CONFIGS } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { fleetProbe } from '../mining/fleet-settings.js';
import { engineOptions } from '../mining/miner-settings.js';
import { speedFileOf, stateDirOf } from '../state-dir.js';
import { scanReport } from './scan-report.js';

/** Hardware of this machine and the engines that run on it. */
export type MachineReport = Awaited<ReturnType<typeof machineReport>>;

/** @param calibrate whether to measure engines, which takes seconds, instead of using cached speeds */
export async function machineReport(context: CliContext, config: Config, calibrate: boolean) {
  const { engine: _engine, workers: _workers, ...given } = engineOptions(config);
  const adapter = await probeWebGpu();
  const choice = await resolveProvider(given.provider, 'auto', undefined, adapter);
  const options = { ...given, provider: choice.provider };
  const speeds = new Map<string, EngineSpeeds>();
  for (const [name, shape] of Object.entries(MODEL_CONFIGS)) {
    const measured = { ...options, speedFile: speedFileOf(config, context.env), signal: context.signal };
    speeds.set(name, await engineSpeeds(measured, shape, calibrate ? 'always' : 'never'));
  }
  const isa = config.isa === undefined ? {} : { isa: config.isa as IsaLevel };
  const store = storeDirOf(stateDirOf(config, context.env));
  return {
    machine: {
      quarry: packageVersion(),
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
    },
    scoring: await probeEngines(options),
    provider: choice,
    adapter,
    providers: await gpuProviders(thisMachine(), adapter),
    levels: isaLevels(),
    speeds,
    ...(await scanReport(isa, calibrate ? store : undefined, context.signal)),
    fleet: config.nats === undefined ? undefined : await fleetProbe(config, context.signal),
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
