/** Embedded networks: servers that implement each network's protocol, for demos, tests and trying things out. */
export { DocumentedServer, keyIdOf } from './aitbc/documented-server.js';
export { LiveServer } from './aitbc/live-server.js';
export {
  type AuditVerdict,
  type ChaosOptions,
  type ChaosRates,
  DEFAULT_CHAOS_RATES,
  type Devnet,
  type DevnetEndpoints,
  type DevnetOptions,
  type DevnetPorts,
  type GenesisAccount,
  type GenesisModel,
  NO_CHAOS,
  type SpawnedDevnet,
  spawnDevnet,
  startDevnet,
} from './soma/index.js';
