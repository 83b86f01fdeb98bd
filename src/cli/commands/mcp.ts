import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Config, SETTINGS, type Setting } from '../../config/index.js';
import type { AgentHost, MinerSession } from '../../mcp/index.js';
import { packageRoot } from '../../package/package-root.js';
import { packageVersion } from '../../package/package-version.js';
import { somaToShannons } from '../../soma/chain/index.js';
import type { CliContext } from '../context.js';
import { runCaptured } from '../mcp/run-captured.js';
import { integerArgument } from '../parse-argument.js';
import { examples, tell } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';
import { untilInterrupted } from '../until-interrupted.js';

interface McpFlags {
  readonly http?: string | undefined;
  readonly confirmAbove: string;
}

type Commands = (args: readonly string[], context: CliContext) => Promise<Command[]>;

/** `quarry mcp`: tools for agents over the Model Context Protocol. */
export function mcpCommand(context: CliContext, commands: Commands): Command {
  const command = new Command('mcp')
    .description('serve tools to agents: the Model Context Protocol over stdio, or HTTP on loopback')
    .option('--http <port>', 'streamable HTTP on this loopback port instead of stdio; 0 picks one')
    .option('--confirm-above <soma>', 'ask the user before locking a larger bond', '0')
    .addHelpText(
      'after',
      `
Commands run with the settings of this directory's quarry.yaml and the environment. Results never contain keys or tokens.
Over HTTP agents send "Authorization: Bearer TOKEN": QUARRY_API_TOKEN, else one generated and printed at the start.
${examples('mcp', 'mcp --confirm-above 0.01', 'mcp --http 8765')}`,
    );
  addSettings(command, []);
  return command.action(async (flags: McpFlags & { config?: string | undefined }) => {
    const port = flags.http === undefined ? undefined : integerArgument(flags.http, '--http', 0, 65_535);
    const confirmAboveShannons = somaToShannons(flags.confirmAbove);
    const config = await configOf(context, { ...flags });
    const token = config.apiToken ?? randomBytes(24).toString('base64url');
    const secrets = [...secretsOf(config), token];
    const host = agentHost(context, commands, config, { confirmAboveShannons, secrets });
    // Load the SDK only here, so that other commands start faster.
    const mcp = await import('../../mcp/index.js');
    const miner = new mcp.MinerSession(host);
    try {
      if (port === undefined) await serveStdio(context, host, miner);
      else {
        const { url, close } = await mcp.serveMcpHttp({ port, token }, host, miner);
        tell(
          context,
          `serving agents at ${url}${config.apiToken === undefined ? `, token ${token}` : ''}; Ctrl-C stops`,
        );
        await untilInterrupted(context.signal);
        await close();
      }
    } finally {
      await miner.close();
    }
  });
}

async function serveStdio(context: CliContext, host: AgentHost, miner: MinerSession): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const { createMcpServer } = await import('../../mcp/index.js');
  const server = createMcpServer(host, miner);
  const gone = new Promise<void>((resolve) => context.stdin.once('end', resolve));
  await server.connect(new StdioServerTransport(context.stdin, context.stdout));
  // The client closes our input when it ends.
  await Promise.race([gone, untilInterrupted(context.signal)]);
  await server.close();
}

function agentHost(
  context: CliContext,
  commands: Commands,
  config: Config,
  set: Pick<AgentHost, 'confirmAboveShannons' | 'secrets'>,
): AgentHost {
  return {
    ...set,
    version: packageVersion(),
    data: config.data ?? [],
    maxBondShannons: config.maxBondSoma === undefined ? undefined : somaToShannons(config.maxBondSoma),
    documents: documents(),
    run: (args, control) => runCaptured(args, control, context, commands),
  };
}

/** All secrets in the settings, which are redacted from everything a command prints. */
function secretsOf(config: Config): string[] {
  const values = config as Readonly<Record<string, unknown>>;
  return Object.entries(SETTINGS as Readonly<Record<string, Setting>>).flatMap(([name, { secret }]) => {
    const value = values[name];
    return secret && typeof value === 'string' ? [value] : [];
  });
}

function documents(): AgentHost['documents'] {
  const dir = join(packageRoot(), 'docs');
  return readdirSync(dir)
    .filter((file) => file.endsWith('.md'))
    .map((file) => ({
      name: file.slice(0, -3).toLowerCase(),
      title: file.slice(0, -3),
      read: () => readFile(join(dir, file), 'utf8'),
    }));
}
