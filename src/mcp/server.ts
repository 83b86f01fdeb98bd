import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { AgentHost } from './agent-host.js';
import type { MinerSession } from './miner-session.js';
import { redact, redactText } from './redact.js';
import { HISTORY_TOOLS } from './tools/history-tools.js';
import { MINER_TOOLS } from './tools/miner-tools.js';
import { NETWORK_TOOLS } from './tools/network-tools.js';
import { OTHER_NETWORK_TOOLS } from './tools/other-network-tools.js';
import { SAMPLE_TOOLS } from './tools/sample-tools.js';

const INSTRUCTIONS =
  'Quarry mines open AI networks. Read before you act: targets_list, doctor, quarry://docs/mining. Amounts are shannons, 10^9 to a SOMA. submit and miner_start spend the user’s money and publish bytes.';

/** Creates the MCP server for one agent. All agents of a process share the miner. */
export function createMcpServer(host: AgentHost, miner: MinerSession): McpServer {
  const server = new McpServer({ name: 'quarry', version: host.version }, { instructions: INSTRUCTIONS });
  const tools = [...NETWORK_TOOLS, ...HISTORY_TOOLS, ...SAMPLE_TOOLS, ...MINER_TOOLS, ...OTHER_NETWORK_TOOLS];
  for (const register of tools) register(server, host, miner);
  server.registerResource(
    'status',
    'quarry://status',
    { title: 'Status of the miner', mimeType: 'application/json' },
    async ({ href }) => {
      const text = JSON.stringify(redact(await miner.status(), host.secrets));
      return { contents: [{ uri: href, mimeType: 'application/json', text }] };
    },
  );
  for (const { name, title, read } of host.documents) {
    server.registerResource(name, `quarry://docs/${name}`, { title, mimeType: 'text/markdown' }, async ({ href }) => ({
      contents: [{ uri: href, mimeType: 'text/markdown', text: redactText(await read(), host.secrets) }],
    }));
  }
  return server;
}
