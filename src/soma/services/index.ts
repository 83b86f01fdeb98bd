export { ADVANCE_EPOCH, AdminClient } from './admin.js';
export { BcsService, bcsMethod, type ServiceOptions } from './bcs-service.js';
export { FaucetClient, type FaucetCoin, REQUEST_GAS } from './faucet.js';
export {
  SCORE,
  SCORING_HEALTH,
  type ScoreOptions as ServiceScoreOptions,
  ScoringClient,
  type ScoringResult,
} from './scoring.js';
