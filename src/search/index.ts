export { hasGradients } from './gradient-model.js';
export { isWonBy, type SearchPart, TargetSearch } from './target-search.js';
