import type { Setting } from '../setting.js';

/** Settings of where samples come from and how they are cut. */
export const SAMPLE_SETTINGS = {
  data: {
    kind: 'list',
    env: 'QUARRY_DATA',
    flag: '--data <path...>',
    help: 'files, directories, globs, archives, datasets, stack-v2, synthetic[:COUNT]',
  },
  sampleBytes: {
    kind: 'integer',
    env: 'QUARRY_SAMPLE_BYTES',
    flag: '--sample-bytes <n>',
    default: 1024,
    min: 1,
    help: 'sample size in bytes; multiples of 1024 waste nothing',
  },
  wholeFiles: {
    kind: 'boolean',
    env: 'QUARRY_WHOLE_FILES',
    flag: '--whole-files',
    default: false,
    help: 'one sample per file',
  },
  utf8Boundaries: {
    kind: 'boolean',
    env: 'QUARRY_UTF8_BOUNDARIES',
    flag: '--utf8-boundaries',
    default: false,
    help: 'never cut inside a UTF-8 character',
  },
  minEntropy: {
    kind: 'number',
    env: 'QUARRY_MIN_ENTROPY',
    flag: '--min-entropy <bits>',
    default: 0,
    min: 0,
    max: 8,
    help: 'skip samples below this entropy, bits per byte',
  },
  lookAhead: {
    kind: 'integer',
    env: 'QUARRY_LOOK_AHEAD',
    flag: '--look-ahead <n>',
    default: 512,
    min: 0,
    help: 'samples buffered; the one least similar to those scored goes next; 0: in order',
  },
  seed: {
    kind: 'integer',
    env: 'QUARRY_SEED',
    flag: '--seed <n>',
    default: 0,
    min: 0,
    help: 'seed for shuffling the samples',
  },
  hfToken: { kind: 'string', env: 'HF_TOKEN', secret: true, help: 'Hugging Face token for gated datasets' },
  hubUrl: { kind: 'string', env: 'HF_ENDPOINT', help: 'Hugging Face Hub to use instead of huggingface.co' },
} as const satisfies Record<string, Setting>;
