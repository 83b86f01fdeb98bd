export { BYTE_VALUES } from './backward/byte-gradient.js';
export { cosineGradient } from './backward/cosine-gradient.js';
export { createJsDistanceEngine } from './distance.js';
export { createJsEngine, type JsEngine, type JsModel } from './js-engine.js';
