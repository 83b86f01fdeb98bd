// Scoring beyond one process: one coordinator and many scorers over NATS JetStream, and the network's own Scoring service
// over any engine.

export { type FleetConnection, openFleet } from './connection.js';
export { FleetEngine, type FleetEngineOptions } from './fleet-engine.js';
export { ModelShelf, type ModelShelfDeps } from './model-shelf.js';
export { FleetRows } from './rows/fleet-rows.js';
export { KeptRows } from './rows/kept-rows.js';
export { RowKeeper } from './rows/row-keeper.js';
export { ScorerNode } from './scorer-node.js';
export { assertTokenBeyondLoopback, type Serving, serveScoring } from './serve/grpc-server.js';
export { ScoringService } from './serve/scoring-service.js';
export { ServedScores } from './serve/served-scores.js';
export { readSharedWeights } from './shared-weights.js';
export { type FleetStatus, fleetStatus } from './status.js';
export type { PublishedModel } from './wire.js';
