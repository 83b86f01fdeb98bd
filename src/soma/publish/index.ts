export type { PublicationState } from './publication-state.js';
export {
  ModelPublication,
  type PublicationStep,
  type PublishModelDeps,
  type PublishModelOptions,
} from './publish-model.js';
