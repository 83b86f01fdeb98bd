export { ERROR_CODES, type ErrorCode } from './codes.js';
export { ERROR_EXPLANATIONS } from './explanations.js';
export { isAbort, throwIfAborted, toQuarryError } from './normalise.js';
export { QuarryError, type QuarryErrorOptions } from './quarry-error.js';
