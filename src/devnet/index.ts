/** The embedded networks: servers that speak each network's protocol, for demos, tests and first steps. */
export { DocumentedServer, keyIdOf } from './aitbc/documented-server.js';
export { LiveServer } from './aitbc/live-server.js';
export * from './soma/index.js';
