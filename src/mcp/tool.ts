import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { AgentHost } from './agent-host.js';
import type { MinerSession } from './miner-session.js';
import { redact, redactText } from './redact.js';

/** Context of a tool call, besides its input. */
export interface ToolCall {
  readonly host: AgentHost;
  readonly miner: MinerSession;
  /** Fires when the agent cancels the call or the session ends. */
  readonly signal: AbortSignal;
  /** Reports progress to the agent, if it asked for it. */
  progress(message: string): void;
  /**
   * Asks the user through the agent's client.
   *
   * @returns `undefined` if the client cannot ask
   */
  ask(question: string): Promise<boolean | undefined>;
}

/** A tool with typed input and output. */
export interface ToolSpec<I extends z.ZodObject, O extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: I;
  readonly output: O;
  /** Whether it changes state; read-only tools can be called freely. */
  readonly writes?: boolean | undefined;
  /** @throws QuarryError passed to the agent with its hint */
  call(input: z.output<I>, call: ToolCall): Promise<Readonly<Record<string, unknown>>>;
}

/** Registers a tool on a server. */
export type ToolRegistration = (server: McpServer, host: AgentHost, miner: MinerSession) => void;

/** Defines a tool. Errors become results with code and hint, and secrets are redacted from all output. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(spec: ToolSpec<I, O>): ToolRegistration {
  const { name, title, description, input, output, writes = false, call } = spec;
  const annotations = { title, readOnlyHint: !writes, destructiveHint: writes, openWorldHint: true };
  return (server, host, miner) => {
    server.registerTool(
      name,
      { title, description, inputSchema: input as z.ZodObject, outputSchema: output as z.ZodObject, annotations },
      async (args, extra): Promise<CallToolResult> => {
        const { signal, _meta: meta, sendNotification } = extra;
        let steps = 0;
        const progress = (message: string): void => {
          if (meta?.progressToken === undefined) return;
          const params = {
            progressToken: meta.progressToken,
            progress: ++steps,
            message: redactText(message, host.secrets),
          };
          // The client may be gone.
          sendNotification({ method: 'notifications/progress', params }).catch(() => {});
        };
        try {
          const toolCall = { host, miner, signal, progress, ask: (text: string) => ask(server, text, signal) };
          const result = await call(args as z.output<I>, toolCall);
          return asResult(redact(result, host.secrets) as Record<string, unknown>);
        } catch (error) {
          return asFailure(toQuarryError(error, name), host.secrets);
        }
      },
    );
  };
}

function asResult(structuredContent: Record<string, unknown>): CallToolResult {
  return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] };
}

function asFailure({ code, message, hint }: QuarryError, secrets: readonly string[]): CallToolResult {
  const text = redactText(`${code}: ${message}${hint === undefined ? '' : `\nhint: ${hint}`}`, secrets);
  return { isError: true, content: [{ type: 'text', text }] };
}

async function ask({ server }: McpServer, message: string, signal: AbortSignal): Promise<boolean | undefined> {
  if (server.getClientCapabilities()?.elicitation === undefined) return undefined;
  const confirm = { type: 'boolean', title: 'Go ahead', description: message } as const;
  const requestedSchema = { type: 'object', properties: { confirm }, required: ['confirm'] } as const;
  const { action, content } = await server.elicitInput(
    { message, requestedSchema: { ...requestedSchema, required: [...requestedSchema.required] } },
    // People need time to answer.
    { signal, timeout: 600_000 },
  );
  return action === 'accept' && content?.['confirm'] === true;
}

/**
 * Checks that a bond is within the user's limit and that the user agrees to it if confirmation is required: asked
 * through the agent's client if it supports that, otherwise by the exact amount in the arguments.
 *
 * @param confirmed amount that the agent says the user confirmed, shannons
 * @throws QuarryError `PERMISSION_DENIED` when it exceeds the user's limit
 * @throws QuarryError `FAILED_PRECONDITION` when the user does not agree, or was not asked
 */
export async function assertConfirmed(
  { host, ask }: ToolCall,
  what: string,
  bondShannons: bigint,
  confirmed: string | undefined,
): Promise<void> {
  const { maxBondShannons } = host;
  if (maxBondShannons !== undefined && bondShannons > maxBondShannons) {
    throw new QuarryError(
      'PERMISSION_DENIED',
      `a bond of ${bondShannons} shannons exceeds the ${maxBondShannons} that the user's settings allow`,
      { hint: 'only the user can raise it: maxBondSoma in quarry.yaml', details: { bondShannons, maxBondShannons } },
    );
  }
  if (bondShannons <= host.confirmAboveShannons) return;
  const answer = await ask(what);
  if (answer === true || (answer === undefined && confirmed === String(bondShannons))) return;
  throw new QuarryError('FAILED_PRECONDITION', answer === false ? `declined: ${what}` : `not confirmed: ${what}`, {
    hint:
      answer === false
        ? 'the user declined'
        : `ask the user, then call again with confirmBondShannons "${bondShannons}"; or start quarry mcp with a higher --confirm-above`,
    details: { bondShannons },
  });
}
