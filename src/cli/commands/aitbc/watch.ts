import { Command } from 'commander';
import { type CoordinatorEvent, toWire } from '../../../aitbc/index.js';
import { plainText, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { waitMs, webSocketUrl } from '../../parse-argument.js';
import { type ConnectionFlags, withClient, withConnection } from './connection.js';
import { example } from './jobs.js';
import { printRecord, say, tell } from './print.js';

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** `quarry aitbc watch`. */
export function watchCommand(context: CliContext): Command {
  return withConnection(new Command('watch').description('events as they happen, by websocket or by polling'))
    .option('--job <job-id...>', 'only these jobs; stops when all have ended')
    .option('--market', 'new and removed offers')
    .option('--ws-url <url>', 'the websocket (default: /ws at the host of the base URL)', webSocketUrl)
    .option('--poll-ms <n>', 'polling interval', waitMs, 5_000)
    .addHelpText('after', example('watch --job job_1234567890 --json'))
    .action(
      async (
        flags: ConnectionFlags & {
          job?: string[] | undefined;
          market?: boolean | undefined;
          wsUrl?: string | undefined;
          pollMs: number;
        },
      ) => {
        const jobs = new Set(flags.job ?? []);
        await withClient(context, flags, async (client) => {
          const socket = client.websocket.connect({
            ...(flags.wsUrl !== undefined && { url: flags.wsUrl }),
            pollIntervalMs: flags.pollMs,
            offerPollIntervalMs: flags.pollMs,
          });
          let failure: Error | undefined;
          socket.on('open', () => tell(context, 'connected'));
          socket.on('fallback', (reason) => tell(context, plainText(`polling: ${reason}`)));
          socket.on('error', (error) => {
            tell(context, plainText(`trouble: ${error.message}`));
            if ('status' in error && (error.status === 404 || error.status === 401)) {
              failure = error;
              socket.close();
            }
          });
          for (const jobId of jobs) socket.subscribe('jobs', { jobId });
          if (flags.market || jobs.size === 0) socket.subscribe('marketplace');
          const open = new Set(jobs);
          try {
            for await (const event of socket.events({ signal: context.signal })) {
              if (jobs.size > 0 && event.type === 'job_update' && !jobs.has(event.jobId)) continue;
              say(context, flags.json ? toJsonLine(eventJson(event, flags)) : plainText(describe(event)));
              if (event.type === 'job_update' && ENDED.has(event.status)) open.delete(event.jobId);
              if (jobs.size > 0 && open.size === 0) break;
            }
          } finally {
            socket.close();
          }
          if (failure !== undefined) throw failure;
        });
      },
    );
}

/** The documented envelope, `{type, data}`, with `synthetic` for events derived from polling. */
function eventJson(event: CoordinatorEvent, flags: ConnectionFlags): object {
  if (flags.camel) return event;
  const { type, synthetic, ...rest } = event;
  const data = 'data' in event && event.data !== undefined ? event.data : toWire(rest);
  return { type, data, synthetic };
}

function describe(event: CoordinatorEvent): string {
  const made = event.synthetic ? ' (polled)' : '';
  switch (event.type) {
    case 'job_update':
      return `${event.timestamp}  job ${event.jobId} ${event.status}${made}`;
    case 'receipt_created':
      return `${event.timestamp}  receipt ${event.receiptId ?? '?'} for job ${event.jobId ?? '?'}${made}`;
    case 'marketplace_update':
      return event.synthetic
        ? `${event.timestamp}  offers +${event.added?.length ?? 0} -${event.removed?.length ?? 0}${made}`
        : `${event.timestamp}  market ${toJsonLine(event.data)}`;
    default:
      return `message ${toJsonLine(event.data)}`;
  }
}

/** `quarry aitbc health`. */
export function healthCommand(context: CliContext): Command {
  return withConnection(new Command('health').description('whether the coordinator responds, and its dialect'))
    .addHelpText('after', example('health --base-url http://localhost:8011'))
    .action((flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        const health = await client.health({ signal: context.signal });
        tell(context, `dialect: ${await client.dialect({ signal: context.signal })}`);
        printRecord(context, health, flags);
      }),
    );
}

/** `quarry aitbc login`. */
export function loginCommand(context: CliContext): Command {
  return withConnection(new Command('login').description('log in to a live-jwt coordinator by wallet; print the token'))
    .addHelpText('after', '\nExample:\n  export AITBC_TOKEN=$(quarry aitbc login --wallet-key-file wallet.key)')
    .action((flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        const token = (await client.login({ signal: context.signal })) ?? '';
        say(context, flags.json ? toJsonLine({ session_token: token }) : token);
      }),
    );
}
