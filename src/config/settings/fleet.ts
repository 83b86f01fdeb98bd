import type { Setting } from '../setting.js';

/** Scoring on other machines, and for others. */
export const FLEET_SETTINGS = {
  nats: {
    kind: 'string',
    env: 'QUARRY_NATS',
    flag: '--nats <url>',
    help: 'NATS server of the fleet: nats://host:4222 or tls://host:4222',
  },
  natsCreds: {
    kind: 'string',
    env: 'QUARRY_NATS_CREDS',
    flag: '--nats-creds <file>',
    help: 'NATS credentials file, or a file with the seed of an nkey',
  },
  natsCa: {
    kind: 'string',
    env: 'QUARRY_NATS_CA',
    flag: '--nats-ca <file>',
    help: "PEM file of the authority that signed the NATS server's certificate",
  },
  natsReplicas: {
    kind: 'integer',
    env: 'QUARRY_NATS_REPLICAS',
    flag: '--nats-replicas <n>',
    default: 1,
    min: 1,
    help: "servers of a NATS cluster that keep the fleet's work; 3 survive the loss of one",
  },
  fleet: {
    kind: 'string',
    env: 'QUARRY_FLEET',
    flag: '--fleet <name>',
    default: 'default',
    help: 'name of the fleet on its server; one coordinator each',
  },
  verifyShare: {
    kind: 'number',
    env: 'QUARRY_VERIFY_SHARE',
    flag: '--verify-share <share>',
    default: 0.005,
    min: 0,
    help: "share of a fleet's answers scored again on this machine, 0 to 1",
  },
  shareWeights: {
    kind: 'boolean',
    env: 'QUARRY_SHARE_WEIGHTS',
    flag: '--share-weights',
    default: false,
    help: "put verified weights into the NATS server's object store, so that scorers need not fetch them from their hosts",
  },
  confirmBondSoma: {
    kind: 'string',
    env: 'QUARRY_CONFIRM_BOND_SOMA',
    flag: '--confirm-bond-soma <soma>',
    default: '0.001',
    help: "a scorer's hit whose bond is above this is scored again on this machine before it is submitted",
  },
  serveHost: {
    kind: 'string',
    env: 'QUARRY_SERVE_HOST',
    flag: '--serve-host <address>',
    default: '127.0.0.1',
    help: 'interface the scoring service listens on; beyond loopback a token is needed',
  },
  servePort: {
    kind: 'integer',
    env: 'QUARRY_SERVE_PORT',
    flag: '--serve-port <n>',
    default: 9124,
    min: 0,
    help: 'port of the scoring service',
  },
  maxModels: {
    kind: 'integer',
    env: 'QUARRY_MAX_MODELS',
    flag: '--max-models <n>',
    default: 6,
    min: 1,
    help: 'models kept loaded; the one unused for longest makes room',
  },
} as const satisfies Record<string, Setting>;
