import type { Setting } from '../setting.js';

/** Settings of the engines and their threads. */
export const COMPUTE_SETTINGS = {
  engine: {
    kind: 'string',
    env: 'QUARRY_ENGINE',
    flag: '--engine <name>',
    default: 'auto',
    choices: ['auto', 'native', 'onnx', 'js', 'reference', 'fleet'],
    help: 'scoring engine; fleet delegates to scorers on a NATS server',
  },
  distanceEngine: {
    kind: 'string',
    env: 'QUARRY_DISTANCE_ENGINE',
    flag: '--distance-engine <name>',
    default: 'auto',
    choices: ['auto', 'native', 'gpu', 'js', 'reference'],
    help: 'distance engine; reference is the slow oracle for the others',
  },
  isa: {
    kind: 'string',
    env: 'QUARRY_ISA',
    flag: '--isa <level>',
    choices: ['serial', 'neon', 'neonbf16', 'avx2', 'avx512', 'avx512bf16'],
    help: 'force an instruction-set level of the native core',
  },
  precision: {
    kind: 'string',
    env: 'QUARRY_PRECISION',
    flag: '--precision <format>',
    choices: ['f32', 'bf16', 'f16'],
    help: 'number format of the matrix products (default: what the engine does best)',
  },
  onnxProvider: {
    kind: 'string',
    env: 'QUARRY_ONNX_PROVIDER',
    flag: '--onnx-provider <name>',
    former: { name: 'provider', flag: '--provider <name>' },
    help: 'onnxruntime execution provider (default: cuda where it is complete, else webgpu on a GPU, else cpu)',
  },
  devices: {
    kind: 'list',
    env: 'QUARRY_DEVICES',
    flag: '--devices <list>',
    help: "devices of onnxruntime's provider by index, such as 0,1: an engine on each",
  },
  workers: {
    kind: 'integer',
    env: 'QUARRY_WORKERS',
    flag: '--workers <n>',
    min: 1,
    max: 1024,
    help: 'scoring worker threads; with --devices, of each device',
  },
  threads: {
    kind: 'integer',
    env: 'QUARRY_THREADS',
    flag: '--threads <n>',
    min: 1,
    max: 1024,
    help: 'threads of one engine instance',
  },
  modelConfig: {
    kind: 'string',
    env: 'QUARRY_MODEL_CONFIG',
    flag: '--model-config <name>',
    choices: ['small', 'medium', 'v1'],
    help: 'shape of the models',
  },
} as const satisfies Record<string, Setting>;
