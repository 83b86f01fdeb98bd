import { Command } from 'commander';
import { QuarryError, toQuarryError } from '../../../errors/index.js';
import {
  DEFAULT_HUB_URL,
  diffSchema,
  gpuInfo,
  type JsonObject,
  listGpus,
  parsePresignedLink,
} from '../../../flock/index.js';
import { HttpClient } from '../../../net/index.js';
import { type Column, formatDuration } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { printListing, printRecord } from './print.js';
import { addFlockFlags, type FlockFlags, type FlockSession, withSession } from './settings.js';

/** `quarry flock health`: checks whether the service responds. */
export function healthCommand(context: CliContext): Command {
  return addFlockFlags(new Command('health'))
    .description('check service health')
    .addHelpText('after', '\nExample:\n  quarry flock health --json')
    .action((flags: FlockFlags) =>
      withSession(context, flags, async ({ client }) => {
        const health = await client.health({ signal: context.signal });
        const { error, ...facts } = health;
        printRecord(context, flags, { ...facts, baseUrl: client.baseUrl } as JsonObject, [
          ['ok', health.ok ? 'yes' : 'no'],
          ['status', health.status],
          ['latency', `${health.latencyMs} ms`],
          ['clock offset', health.clockOffsetMs === 0 ? 'within 2 s' : formatDuration(Math.abs(health.clockOffsetMs))],
          ['service', client.baseUrl],
        ]);
        if (!health.ok) throw error ?? new QuarryError('REMOTE_FAILURE', `the service says ${health.status}`);
      }),
    );
}

/** `quarry flock gpu`: lists the GPUs of this machine. */
export function gpuCommand(context: CliContext): Command {
  return addFlockFlags(new Command('gpu'))
    .description('GPUs of this machine, as submissions name them')
    .addHelpText('after', '\nExample:\n  quarry flock gpu --json')
    .action(async (flags: FlockFlags) => {
      const gpus = await listGpus();
      printListing(context, flags, {
        name: 'gpus',
        wire: gpus.map((gpu) => ({ ...gpu })),
        rows: gpus,
        columns: [
          { header: 'INDEX', value: (gpu) => gpu.index, align: 'right' },
          { header: 'NAME', value: (gpu) => gpu.name, shrink: 1 },
          { header: 'MEMORY GiB', value: (gpu) => gpu.memoryGib.toFixed(1), align: 'right' },
          { header: 'CAPABILITY', value: (gpu) => gpu.capability, align: 'right' },
        ],
        more: { info: gpuInfo(gpus) },
        empty: 'no NVIDIA GPU found; pass --gpu-type when submitting',
      });
    });
}

interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly detail: string;
}

const FINDING_COLUMNS: readonly Column<Finding>[] = [
  { header: 'CHECK', value: (row) => row.check },
  { header: 'RESULT', value: (row) => row.result },
  { header: 'DETAIL', value: (row) => row.detail, shrink: 1 },
];

/** `quarry flock doctor`: checks what works from here. */
export function doctorCommand(context: CliContext): Command {
  return addFlockFlags(new Command('doctor'))
    .description('check keys, clock, service, training data store and Hub; --schema compares the API')
    .option('--schema', "compare this client with the service's published schema")
    .addHelpText('after', '\nExamples:\n  quarry flock doctor\n  quarry flock doctor --schema --json')
    .action((flags: FlockFlags & { readonly schema?: boolean | undefined }) =>
      withSession(context, flags, async (session) => {
        const findings = await examine(context, session);
        if (flags.schema) for (const finding of await compareSchema(context, session)) findings.push(finding);
        printListing(context, flags, {
          name: 'checks',
          wire: findings.map((finding) => ({ ...finding })),
          rows: findings,
          columns: FINDING_COLUMNS,
        });
        const failed = findings.filter((finding) => finding.result === 'fail');
        if (failed.length > 0) {
          throw new QuarryError(
            'FAILED_PRECONDITION',
            `${failed.length} of ${findings.length} checks failed: ${failed.map((finding) => finding.check).join(', ')}`,
          );
        }
      }),
    );
}

async function examine(context: CliContext, session: FlockSession): Promise<Finding[]> {
  const { client, hfToken } = session;
  const call = { signal: context.signal };
  const findings: Finding[] = [];
  const health = await client.health(call);
  findings.push({
    check: 'service',
    result: health.ok ? 'ok' : 'fail',
    detail: health.ok
      ? `${client.baseUrl} in ${health.latencyMs} ms`
      : (health.error?.message ?? `says ${health.status}`),
  });
  const offset = health.clockOffsetMs;
  findings.push({
    check: 'clock',
    result: offset === 0 ? 'ok' : 'warn',
    detail: !client.clock.known
      ? 'not known'
      : offset === 0
        ? 'within 2 s of the service'
        : `${formatDuration(Math.abs(offset))} ${offset > 0 ? 'behind' : 'ahead of'} the service; corrected`,
  });
  findings.push({
    check: 'arena key',
    result: client.hasKey ? 'ok' : 'warn',
    detail: client.hasKey ? 'set' : 'FLOCK_API_KEY is not set: reading works, submitting and validating do not',
  });
  findings.push({
    check: 'Hub token',
    result: hfToken === undefined ? 'warn' : hfToken.startsWith('hf_') ? 'ok' : 'fail',
    detail:
      hfToken === undefined
        ? 'HF_TOKEN is not set: uploading does not work'
        : hfToken.startsWith('hf_')
          ? 'set'
          : 'HF_TOKEN does not begin with hf_',
  });
  const http = new HttpClient({ timeoutMs: 10_000, retry: { attempts: 1 } });
  try {
    findings.push(
      await attempt('training data', async () => {
        const task = (await client.tasks.list(call))[0];
        if (task === undefined) return 'no task to try';
        const link = parsePresignedLink(String((await client.tasks.get(task.id, call)).data?.training_set_url ?? ''));
        if (link === undefined) return `task ${task.id} has no link`;
        // A link signed for GET refuses HEAD; requesting one byte is equivalent.
        const answer = await http.request({ url: link.url.href, headers: { range: 'bytes=0-0' }, ...call });
        await answer.discard();
        return `${link.url.host} answers`;
      }),
    );
    const hubUrl = session.hubUrl ?? DEFAULT_HUB_URL;
    findings.push(
      await attempt('Hub', async () => {
        await (
          await http
            .request({
              url: `${hubUrl}/api/whoami-v2`,
              headers: hfToken === undefined ? {} : { authorization: `Bearer ${hfToken}` },
              ...call,
            })
            .catch((error: unknown) => {
              // Without a token, even a refusal proves that the Hub responds.
              if (hfToken === undefined && toQuarryError(error, 'x').code === 'UNAUTHENTICATED')
                return { discard: async () => {} };
              throw error;
            })
        ).discard();
        return `${hubUrl} answers${hfToken === undefined ? '' : ' and accepts the token'}`;
      }),
    );
  } finally {
    await http.close();
  }
  const gpus = await listGpus();
  findings.push({
    check: 'GPU',
    result: gpus.length > 0 ? 'ok' : 'warn',
    detail: gpus[0]?.name ?? 'none found: pass --gpu-type when submitting',
  });
  return findings;
}

async function attempt(check: string, work: () => Promise<string>): Promise<Finding> {
  try {
    return { check, result: 'ok', detail: await work() };
  } catch (error) {
    const known = toQuarryError(error, check);
    if (known.code === 'ABORTED') throw known;
    return { check, result: 'fail', detail: known.message };
  }
}

async function compareSchema(context: CliContext, { client }: FlockSession): Promise<Finding[]> {
  const http = new HttpClient({ timeoutMs: 20_000 });
  const url = new URL('/openapi.json', client.baseUrl).href;
  try {
    const diff = diffSchema(await http.json({ url, signal: context.signal }));
    return [
      {
        check: 'schema: ours',
        result: diff.missing.length === 0 ? 'ok' : 'warn',
        detail: diff.missing.length === 0 ? 'every call is listed' : `not listed: ${diff.missing.join(', ')}`,
      },
      {
        check: 'schema: theirs',
        result: 'ok',
        detail: diff.unused.length === 0 ? 'nothing unused' : `not used: ${diff.unused.join(', ')}`,
      },
      ...Object.entries(diff.enums).map(
        ([name, values]): Finding => ({ check: `schema: ${name}`, result: 'ok', detail: values.join(', ') }),
      ),
    ];
  } catch (error) {
    const known = toQuarryError(error, 'reading the schema');
    if (known.code === 'ABORTED') throw known;
    return [{ check: 'schema', result: 'warn', detail: known.message }];
  } finally {
    await http.close();
  }
}
