/** Quarry as agent tools: a Model Context Protocol server over the commands. */
export type { AgentHost, CommandRun } from './agent-host.js';
export { serveMcpHttp } from './http-server.js';
export { MinerSession } from './miner-session.js';
export { createMcpServer } from './server.js';
