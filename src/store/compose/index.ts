export { composedScore, type PartScore } from './composed-score.js';
export { type ComposePolicy, Composer, type ComposerOptions, type Composition } from './composer.js';
export { type JoinedParts, joinParts } from './join-parts.js';
export { composedOrigin, partsOfOrigin, scoreFromParts } from './origin.js';
