export { isWonBy, type SearchPart, TargetSearch } from './target-search.js';
