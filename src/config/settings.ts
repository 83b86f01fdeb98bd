import type { Setting } from './setting.js';

/** Everything a user can set, in one place: the config file's keys, the environment and the flags share it. */
export const SETTINGS = {
  // Network and identity
  network: {
    kind: 'string',
    env: 'QUARRY_NETWORK',
    flag: '--network <name|url>',
    default: 'testnet',
    help: 'testnet, localnet, or the URL of a fullnode',
  },
  fullnodes: {
    kind: 'list',
    env: 'QUARRY_FULLNODES',
    flag: '--fullnodes <urls>',
    help: 'more fullnodes, comma-separated; the fastest that answers is used',
  },
  faucetUrl: { kind: 'string', env: 'QUARRY_FAUCET_URL', flag: '--faucet-url <url>', help: 'faucet service' },
  adminUrl: {
    kind: 'string',
    env: 'QUARRY_ADMIN_URL',
    flag: '--admin-url <url>',
    help: 'admin service (local networks)',
  },
  secretKey: {
    kind: 'string',
    env: 'SOMA_SECRET_KEY',
    secret: true,
    help: 'secret key: hex, base58, somaprivkey1…, or a mnemonic. Environment or file only',
  },
  keyFile: {
    kind: 'string',
    env: 'QUARRY_KEY_FILE',
    flag: '--key-file <path>',
    help: 'file with the secret key, mode 0600',
  },
  walletDir: {
    kind: 'string',
    env: 'SOMA_CONFIG_DIR',
    flag: '--wallet-dir <path>',
    help: "the official CLI's wallet directory (client.yaml, soma.keystore)",
  },
  stateDir: {
    kind: 'string',
    env: 'QUARRY_STATE_DIR',
    flag: '--state-dir <path>',
    help: 'store, journal, weights and hosted data (default: ~/.local/state/quarry/<network>)',
  },

  // Samples
  data: {
    kind: 'list',
    env: 'QUARRY_DATA',
    flag: '--data <path...>',
    help: 'files, directories, globs, archives, datasets',
  },
  sampleBytes: {
    kind: 'integer',
    env: 'QUARRY_SAMPLE_BYTES',
    flag: '--sample-bytes <n>',
    default: 1024,
    min: 1,
    help: 'bytes of a sample; multiples of 1024 waste nothing',
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
    help: 'skip samples below this entropy, bits per byte',
  },
  seed: { kind: 'integer', env: 'QUARRY_SEED', flag: '--seed <n>', default: 0, min: 0, help: 'shuffles the samples' },
  hfToken: { kind: 'string', env: 'HF_TOKEN', secret: true, help: 'Hugging Face token for gated datasets' },

  // Compute
  engine: {
    kind: 'string',
    env: 'QUARRY_ENGINE',
    flag: '--engine <name>',
    default: 'auto',
    choices: ['auto', 'native', 'onnx', 'reference'],
    help: 'scoring engine',
  },
  distanceEngine: {
    kind: 'string',
    env: 'QUARRY_DISTANCE_ENGINE',
    flag: '--distance-engine <name>',
    default: 'auto',
    choices: ['auto', 'native', 'gpu', 'reference'],
    help: 'distance engine',
  },
  isa: {
    kind: 'string',
    env: 'QUARRY_ISA',
    flag: '--isa <level>',
    choices: ['serial', 'neon', 'avx2', 'avx512', 'avx512bf16'],
    help: 'forces an instruction-set level of the native core',
  },
  precision: {
    kind: 'string',
    env: 'QUARRY_PRECISION',
    flag: '--precision <format>',
    choices: ['f32', 'bf16', 'f16'],
    help: 'number format of the matrix products (default: what the engine does best)',
  },
  provider: {
    kind: 'string',
    env: 'QUARRY_ONNX_PROVIDER',
    flag: '--provider <name>',
    help: 'onnxruntime execution provider',
  },
  workers: { kind: 'integer', env: 'QUARRY_WORKERS', flag: '--workers <n>', min: 1, help: 'scoring worker threads' },
  threads: {
    kind: 'integer',
    env: 'QUARRY_THREADS',
    flag: '--threads <n>',
    min: 1,
    help: 'threads of one engine instance',
  },
  modelConfig: {
    kind: 'string',
    env: 'QUARRY_MODEL_CONFIG',
    flag: '--model-config <name>',
    choices: ['small', 'medium', 'v1'],
    help: 'shape of the models',
  },

  // Mining
  policy: {
    kind: 'string',
    env: 'QUARRY_POLICY',
    flag: '--policy <name>',
    default: 'first',
    choices: ['first', 'closest', 'cheapest'],
    help: 'which of several fitting samples is submitted',
  },
  margin: {
    kind: 'number',
    env: 'QUARRY_MARGIN',
    flag: '--margin <distance>',
    default: 0,
    min: 0,
    help: 'submit only this far inside the threshold',
  },
  maxInFlight: {
    kind: 'integer',
    env: 'QUARRY_MAX_IN_FLIGHT',
    flag: '--max-in-flight <n>',
    default: 8,
    min: 1,
    help: 'transactions, and so coins, in flight at once',
  },
  maxBondSoma: {
    kind: 'string',
    env: 'QUARRY_MAX_BOND_SOMA',
    flag: '--max-bond-soma <soma>',
    help: 'largest bond of one submission',
  },
  minRewardSoma: {
    kind: 'string',
    env: 'QUARRY_MIN_REWARD_SOMA',
    flag: '--min-reward-soma <soma>',
    help: 'ignore targets that pay less',
  },
  minBalanceSoma: {
    kind: 'string',
    env: 'QUARRY_MIN_BALANCE_SOMA',
    flag: '--min-balance-soma <soma>',
    help: 'stop submitting when the balance falls below',
  },
  claimExpired: {
    kind: 'boolean',
    env: 'QUARRY_CLAIM_EXPIRED',
    flag: '--claim-expired',
    default: false,
    help: 'also claim the incentive of expired targets',
  },
  untilHits: { kind: 'integer', flag: '--until-hits <n>', min: 1, help: 'stop after this many accepted submissions' },
  untilSamples: { kind: 'integer', flag: '--until-samples <n>', min: 1, help: 'stop after this many scored samples' },
  dryRun: { kind: 'boolean', flag: '--dry-run', default: false, help: 'score and match, submit nothing' },

  // Hosting
  hostPort: {
    kind: 'integer',
    env: 'QUARRY_HOST_PORT',
    flag: '--host-port <n>',
    min: 0,
    help: 'serve submitted data from this process',
  },
  hostInterface: {
    kind: 'string',
    env: 'QUARRY_HOST_INTERFACE',
    flag: '--host-interface <address>',
    default: '127.0.0.1',
    help: 'interface the data host listens on',
  },
  hostUrl: {
    kind: 'string',
    env: 'QUARRY_HOST_URL',
    flag: '--host-url <url>',
    help: 'public base URL of the data host',
  },
  s3Bucket: {
    kind: 'string',
    env: 'S3_BUCKET',
    flag: '--s3-bucket <name>',
    help: 'host submitted data in this bucket',
  },
  s3EndpointUrl: {
    kind: 'string',
    env: 'S3_ENDPOINT_URL',
    flag: '--s3-endpoint-url <url>',
    help: 'S3-compatible endpoint',
  },
  s3PublicUrl: {
    kind: 'string',
    env: 'S3_PUBLIC_URL',
    flag: '--s3-public-url <url>',
    help: 'public base URL of the bucket',
  },
  s3Region: {
    kind: 'string',
    env: 'S3_REGION',
    flag: '--s3-region <name>',
    default: 'auto',
    help: 'region of the bucket',
  },
  s3AccessKeyId: { kind: 'string', env: 'S3_ACCESS_KEY_ID', secret: true, help: 'S3 access key id' },
  s3SecretAccessKey: { kind: 'string', env: 'S3_SECRET_ACCESS_KEY', secret: true, help: 'S3 secret access key' },

  // Observation
  logLevel: {
    kind: 'string',
    env: 'QUARRY_LOG_LEVEL',
    flag: '--log-level <level>',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    help: 'least severe record written to the log file',
  },
  logFile: {
    kind: 'string',
    env: 'QUARRY_LOG_FILE',
    flag: '--log-file <path>',
    help: 'structured log, one JSON object a line',
  },
  statusSeconds: {
    kind: 'integer',
    env: 'QUARRY_STATUS_SECONDS',
    flag: '--status-seconds <n>',
    default: 60,
    min: 1,
    help: 'interval of the status line',
  },
  httpPort: {
    kind: 'integer',
    env: 'QUARRY_HTTP_PORT',
    flag: '--http-port <n>',
    min: 0,
    help: 'metrics and summary on loopback',
  },
  httpToken: { kind: 'string', env: 'QUARRY_HTTP_TOKEN', secret: true, help: 'bearer token of the HTTP API' },
} as const satisfies Record<string, Setting>;

/** A key of {@link SETTINGS}. */
export type SettingName = keyof typeof SETTINGS;
