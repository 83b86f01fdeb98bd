export * from './chain/index.js';
export * from './client/index.js';
export * from './publish/index.js';
export * from './services/index.js';
export * from './wallet/index.js';
