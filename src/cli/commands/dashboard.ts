import { Command } from 'commander';
import { packageVersion } from '../../package/package-version.js';
import type { MinerStatus } from '../../telemetry/api/api-types.js';
import type { EventFeed } from '../../telemetry/api/event-stream.js';
import { startHttpApi } from '../../telemetry/api/http-api.js';
import type { CliContext } from '../context.js';
import { DiskWatch } from '../dashboard/disk-watch.js';
import { openStateReads } from '../dashboard/state-reads.js';
import { stoppedStatus } from '../dashboard/stopped-status.js';
import { withHistory } from '../history/with-history.js';
import { examples, say, sayJson } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';
import { stateDirOf } from '../state-dir.js';
import { untilInterrupted } from '../until-interrupted.js';

interface DashboardFlags {
  readonly json?: boolean;
}

/** Interval of status events, milliseconds. */
const STATUS_EVERY_MS = 2_000;

/** `quarry dashboard`: serves the dashboard for a state directory, read-only. */
export function dashboardCommand(context: CliContext): Command {
  const command = new Command('dashboard')
    .description('serve a page about a miner from its state directory, until interrupted')
    .option('--json', 'the address as JSON')
    .addHelpText(
      'after',
      `
Read-only; the miner may be running or not. A miner started with --api-port serves the same page itself, with live status.
${examples('dashboard', 'dashboard --state-dir ./state --api-port 8080')}`,
    );
  addSettings(command, ['network', 'stateDir', 'apiPort', 'apiHost']);
  return command.action(async (flags: DashboardFlags) => {
    const config = await configOf(context, { ...flags });
    const stateDir = stateDirOf(config, context.env);
    await withHistory(context, config, async (history) => {
      const disk = new DiskWatch(stateDir);
      await disk.look();
      const status = stoppedStatus(stateDir, config.stateDir === undefined ? config.network : undefined, history, disk);
      const { reads, close } = openStateReads(stateDir, status);
      try {
        const api = await startHttpApi(
          { port: config.apiPort ?? 0, host: config.apiHost, token: config.apiToken },
          {
            version: packageVersion(),
            summary: () => status().totals,
            ready: () => ({ ready: true }),
            events: feedOf(status),
            reads,
          },
        );
        try {
          if (flags.json) sayJson(context, { url: api.url });
          else say(context, `dashboard at ${api.url}/  (Ctrl-C ends it)`);
          await untilInterrupted(context.signal);
        } finally {
          await api.close();
        }
      } finally {
        disk.close();
        await close();
      }
    });
  });
}

function feedOf(status: () => MinerStatus): EventFeed {
  return (send) => {
    const tell = (): void => send('status', status());
    const timer = setInterval(tell, STATUS_EVERY_MS).unref();
    tell();
    return () => clearInterval(timer);
  };
}
