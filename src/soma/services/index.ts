export { ADVANCE_EPOCH, AdminClient } from './admin.js';
export { BcsService, bcsMethod, type ServiceOptions } from './bcs-service.js';
export { FaucetClient, type FaucetCoin, REQUEST_GAS } from './faucet.js';
export {
  SCORE,
  SCORE_REQUEST,
  SCORE_RESPONSE,
  SCORING_HEALTH,
  SCORING_HEALTH_RESPONSE,
  type ScoreOptions as ServiceScoreOptions,
  type ScoreRequest,
  type ScoreResponse,
  ScoringClient,
  type ScoringResult,
} from './scoring.js';
