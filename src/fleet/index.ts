// Scoring beyond one process: one coordinator and many scorers over NATS JetStream, and the network's own Scoring service
// over any engine.

export { type FleetConnection, type FleetConnectionOptions, openFleet } from './connection.js';
export { Coordinator, type CoordinatorOptions, type FleetStats, type WorkOrder } from './coordinator.js';
export { FleetEngine, type FleetEngineDeps, type FleetEngineOptions } from './fleet-engine.js';
export { ModelShelf, type ModelShelfDeps, type ModelShelfOptions } from './model-shelf.js';
export { ScorerNode, type ScorerNodeOptions, type ScorerStatus } from './scorer-node.js';
export { type ServeOptions, type Serving, serveScoring } from './serve/grpc-server.js';
export { ScoringService, type ScoringServiceDeps, type ScoringServiceOptions } from './serve/scoring-service.js';
export { type FleetStatus, fleetStatus } from './status.js';
