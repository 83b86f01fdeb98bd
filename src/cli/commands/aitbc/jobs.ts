import { Command, Option } from 'commander';
import type { JobInput, JobStatus, LiveJobOptions } from '../../../aitbc/index.js';
import { plainText } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { positiveInteger, waitMs, waitSeconds, wholeNumber } from '../../parse-argument.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';
import { amountArgument } from './arguments.js';
import { type ConnectionFlags, readObject, withClient, withConnection } from './connection.js';
import { jsonOf, printRecord, say, tell } from './print.js';

interface WaitFlags extends ConnectionFlags {
  readonly waitSeconds: number;
  readonly timeoutMs?: number | undefined;
  readonly pollMs: number;
}

/** `quarry aitbc jobs`. */
export function jobsCommand(context: CliContext): Command {
  const jobs = new Command('jobs').description('create, follow and cancel jobs').helpCommand(false);

  addCreate(jobs, context);
  withConnection(jobs.command('get <job-id>').description('the state of a job'))
    .addHelpText('after', example('jobs get job_1234567890'))
    .action((jobId: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        printRecord(context, await client.jobs.get(jobId, { signal: context.signal }), flags);
      }),
    );

  addList(jobs, context);

  withConnection(jobs.command('results <job-id>').description('the results of a completed job'))
    .addHelpText('after', example('jobs results job_1234567890 --json'))
    .action((jobId: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        printRecord(context, await client.jobs.getResults(jobId, { signal: context.signal }), flags);
      }),
    );

  withConnection(jobs.command('cancel <job-id>').description('cancel a submitted or running job'))
    .addHelpText('after', example('jobs cancel job_1234567890'))
    .action((jobId: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        printRecord(context, await client.jobs.cancel(jobId, { signal: context.signal }), flags);
      }),
    );

  withConnection(jobs.command('wait <job-id>').description('wait until a job ends; print its results'))
    .option('--wait-seconds <n>', 'give up after', waitSeconds, 300)
    .addOption(new Option('--timeout-ms <n>').argParser(waitMs).hideHelp())
    .option('--poll-ms <n>', 'polling interval', waitMs, 5_000)
    .addHelpText('after', example('jobs wait job_1234567890 --wait-seconds 60'))
    .action((jobId: string, flags: WaitFlags) =>
      withClient(context, flags, async (client) => {
        const results = await client.jobs.waitForCompletion(jobId, {
          timeout: flags.timeoutMs ?? flags.waitSeconds * 1000,
          pollInterval: flags.pollMs,
          signal: context.signal,
          onUpdate: (job) => tell(context, plainText(`${jobId} ${job.status}`)),
        });
        printRecord(context, results, flags);
      }),
    );
  return jobs;
}

function addCreate(jobs: Command, context: CliContext): void {
  withConnection(jobs.command('create').description('create a job from a JSON file'))
    .requiredOption('--file <file>', 'the job in the documented form; - for standard input')
    .option('--ttl-seconds <n>', 'live coordinators: seconds until the job expires', positiveInteger)
    .option('--constraints <file>', 'live coordinators: which miners may take the job, as JSON')
    .option('--payment <amount>', 'live coordinators: amount held in escrow', amountArgument)
    .addHelpText('after', example('jobs create --file examples/aitbc-job.json --json'))
    .action(
      async (
        flags: ConnectionFlags & {
          file: string;
          ttlSeconds?: number | undefined;
          constraints?: string | undefined;
          payment?: string | undefined;
        },
      ) => {
        const input = (await readObject(flags.file, context)) as unknown as JobInput;
        const live: LiveJobOptions = {
          ttlSeconds: flags.ttlSeconds,
          ...(flags.constraints !== undefined && { constraints: await readObject(flags.constraints, context) }),
          paymentAmount: flags.payment,
        };
        await withClient(context, flags, async (client) => {
          printRecord(context, await client.jobs.create(input, { ...live, signal: context.signal }), flags);
        });
      },
    );
}

function addList(jobs: Command, context: CliContext): void {
  addTableFlags(withConnection(jobs.command('list').description('your jobs')))
    .addOption(new Option('--status <status>').choices(['submitted', 'running', 'completed', 'failed', 'cancelled']))
    .option('--type <type>', 'only jobs of this type')
    .option('--limit <n>', 'jobs per page', positiveInteger, 50)
    .option('--offset <n>', 'jobs skipped', wholeNumber, 0)
    .addHelpText('after', example('jobs list --status running'))
    .action(
      async (
        flags: ConnectionFlags &
          TableFlags & {
            status?: JobStatus | undefined;
            type?: string | undefined;
            limit: number;
            offset: number;
          },
      ) => {
        const { status, type, limit, offset } = flags;
        const query = { limit, offset, status, type };
        await withClient(context, flags, async (client) => {
          const page = await client.jobs.listPage(query, { signal: context.signal });
          if (flags.json) return say(context, jsonOf(page, flags));
          printTable(
            context,
            flags,
            page.jobs,
            [
              { header: 'job', value: (job) => job.jobId, shrink: 1 },
              { header: 'status', value: (job) => job.status },
              { header: 'type', value: (job) => job.type, shrink: 2 },
              { header: 'created', value: (job) => job.createdAt },
            ],
            'no jobs',
          );
        });
      },
    );
}

/** The example at the end of a command's help. */
export function example(line: string): string {
  return `\nExample:\n  quarry aitbc ${line}`;
}
