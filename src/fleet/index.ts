// Scoring beyond one process: the network's own Scoring service over any engine.

export { ModelShelf, type ModelShelfDeps, type ModelShelfOptions } from './model-shelf.js';
export { isLoopback, type ServeOptions, type Serving, serveScoring } from './serve/grpc-server.js';
export { ScoringService, type ScoringServiceDeps, type ScoringServiceOptions } from './serve/scoring-service.js';
