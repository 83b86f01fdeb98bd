export type { AuditVerdict } from './audit/auditor.js';
export { type ChaosOptions, type ChaosRates, DEFAULT_CHAOS_RATES, NO_CHAOS } from './chaos.js';
export { type Devnet, type DevnetEndpoints, startDevnet } from './devnet.js';
export type { GenesisAccount, GenesisModel } from './ledger/genesis.js';
export type { DevnetOptions, DevnetPorts } from './options.js';
export { type SpawnedDevnet, spawnDevnet } from './spawn.js';
