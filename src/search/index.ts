export { isWonBy, type SearchGoal, type SearchPart, type SearchStep, TargetSearch } from './target-search.js';
