import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aitbcCommand } from '../../src/cli/commands/aitbc.js';
import type { CliContext } from '../../src/cli/context.js';
import { QuarryError } from '../../src/errors/index.js';
import { createStyle } from '../../src/text/index.js';
import { ADMIN_KEY, CLIENT_KEY, MINER_KEY, PINS, startWorld, WALLET_KEY, type World } from './worlds.js';

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly error: unknown;
}

let directory: string;
let documented: World;
let live: World;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aitbc-cli-'));
  documented = await startWorld('documented');
  live = await startWorld('live-jwt');
});
afterAll(async () => {
  await documented.close();
  await live.close();
  await rm(directory, { recursive: true });
});

async function run(
  world: World | undefined,
  args: string[],
  stdin = '',
  signal = new AbortController().signal,
): Promise<Ran> {
  let out = '';
  let err = '';
  const into = (add: (text: string) => void): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        add(String(chunk));
        done();
      },
    });
  const addOut = (text: string): void => {
    out += text;
  };
  const addErr = (text: string): void => {
    err += text;
  };
  const context: CliContext = {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: into(addOut),
    stderr: into(addErr),
    env: {
      AITBC_MINER_KEY: MINER_KEY,
      ...(world && { AITBC_BASE_URL: world.server.url }),
      ...(world?.dialect === 'live-jwt' ? { AITBC_WALLET_KEY: WALLET_KEY } : { AITBC_API_KEY: CLIENT_KEY }),
    },
    signal,
    isTty: false,
    isErrTty: false,
    columns: undefined,
    style: createStyle(false),
    errStyle: createStyle(false),
  };
  const command = aitbcCommand(context);
  const quiet = (one: Command): void => {
    one.exitOverride().configureOutput({ writeOut: addOut, writeErr: () => {} });
    one.commands.forEach(quiet);
  };
  const program = new Command('quarry').addCommand(command);
  quiet(program);
  try {
    await program.parseAsync(['aitbc', ...args], { from: 'user' });
    return { out, err, error: undefined };
  } catch (error) {
    return { out, err, error };
  }
}

async function file(name: string, value: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

const SCORING = { name: 's', type: 'scoring', input: { format: 'utf8', samples: ['abc'] } };

describe('quarry aitbc', () => {
  it('prints results with the numbers as they were on the wire', async () => {
    const results = '{"units":1.0,"exponent":1e5,"big":12345678901234567890,"2":{"b":0.10}}';
    const answers = {
      documented: `{"job_id":"x","status":"completed","results":${results}}`,
      live: `{"result":${results},"receipt":null}`,
    };
    documented.server.faults.add('GET /v1/jobs/x/results', { status: 200, text: answers.documented }, 2);
    live.server.faults.add('GET /v1/jobs/x/result', { status: 200, text: answers.live }, 1);
    for (const args of [['--json'], ['--json', '--camel']]) {
      expect((await run(documented, ['jobs', 'results', 'x', ...args])).out).toContain(`"results":${results}`);
    }
    expect((await run(live, ['jobs', 'results', 'x', '--json'])).out).toContain(`"results":${results}`);
  });

  it('prints results that are nested too deep for that as JavaScript has them', async () => {
    const deep = `${'['.repeat(300)}1.0${']'.repeat(300)}`;
    const text = `{"job_id":"x","status":"completed","results":{"deep":${deep}}}`;
    documented.server.faults.add('GET /v1/jobs/x/results', { status: 200, text }, 1);
    const { out } = await run(documented, ['jobs', 'results', 'x', '--json']);
    expect(out).toContain(`{"deep":${deep.replace('1.0', '1')}}`);
  });

  it.each([
    [{ jobTypes: ['known'] }, 'INVALID_JOB_TYPE', 'REMOTE_REJECTED'],
    [{ rateLimited: 100 }, 'RATE_LIMIT_EXCEEDED', 'RATE_LIMITED'],
    [{ failing: 100 }, 'INTERNAL_ERROR', 'REMOTE_FAILURE'],
  ])('tells its user the error of a server with %o', async (faults, apiCode, code) => {
    const world = await startWorld('documented', faults);
    const job = await file('fault.json', SCORING);
    const { error } = await run(world, ['jobs', 'create', '--file', job]);
    expect(error).toMatchObject({ apiCode, code, message: expect.stringContaining(apiCode) });
    await world.close();
  });

  it('says what the id of a miner is on a live-key coordinator', async () => {
    const world = await startWorld('live-key');
    const failed = await world
      .client({ adminApiKey: ADMIN_KEY })
      .miners.getStats('my-gpu')
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining('API key') });
    expect((await run(world, ['miner', 'stats', '--help'])).out).toContain('the id of a miner is the API key');
    await world.close();
  });

  it.each(['documented', 'live-jwt'] as const)(
    'takes a job from create to a verified receipt on %s',
    async (dialect) => {
      const world = dialect === 'documented' ? documented : live;
      const created = await run(world, ['jobs', 'create', '--file', await file('job.json', SCORING), '--json']);
      expect(created.error).toBeUndefined();
      const job = JSON.parse(created.out) as { job_id: string; status: string };
      expect(job.status).toBe('submitted');
      const camel = await run(world, ['jobs', 'get', job.job_id, '--json', '--camel']);
      expect(JSON.parse(camel.out)).toMatchObject({ jobId: job.job_id });

      const receipts = join(directory, `receipts-${dialect}`);
      const args = [
        'miner',
        'run',
        '--miner-id',
        'm1',
        '--max-jobs',
        '1',
        '--receipts-dir',
        receipts,
        '--poll-ms',
        '10',
      ];
      const mined = await run(world, args);
      expect(mined.error).toBeUndefined();
      expect(mined.out).toContain(`accepted  ${job.job_id}`);

      const waited = await run(world, ['jobs', 'wait', job.job_id, '--json']);
      expect(JSON.parse(waited.out)).toMatchObject({
        job_id: job.job_id,
        status: 'completed',
        results: { status: 'completed' },
      });
      expect((await run(world, ['jobs', 'results', job.job_id])).out).toContain('completed');
      expect((await run(world, ['jobs', 'list'])).out).toContain(job.job_id);
      const listed = JSON.parse((await run(world, ['jobs', 'list', '--json'])).out) as {
        jobs: object[];
        limit: number;
      };
      expect(listed).toMatchObject({ limit: 50, jobs: [{ job_id: job.job_id, status: 'completed', type: 'scoring' }] });

      const receipt = await run(world, ['receipts', 'get', job.job_id, '--json']);
      const path = await file(`receipt-${dialect}.json`, receipt.out);
      const pins = ['--signer', ...PINS.trustedSigners, '--attester', ...PINS.trustedAttesters];
      const verified = await run(undefined, ['receipts', 'verify', path, '--json', ...pins]);
      expect(verified.error).toBeUndefined();
      expect(JSON.parse(verified.out)).toMatchObject({ valid: true, trusted: true, coordinator_attestations: 1 });
      expect(await readFile(join(receipts, `${job.job_id}.json`), 'utf8')).toBe(receipt.out.trim());

      const tampered = await file('tampered.json', receipt.out.replace(job.job_id, 'x'));
      const refused = await run(undefined, ['receipts', 'verify', tampered, ...pins]);
      expect(refused.error).toMatchObject({ code: 'SIGNATURE_INVALID', exitCode: 1 });
      expect(refused.out).toMatch(/verified +NO/);
      const stranger = await run(undefined, [
        'receipts',
        'verify',
        path,
        ...pins.slice(2),
        '--signer',
        PINS.trustedAttesters[0]!,
      ]);
      expect(stranger.error).toBeInstanceOf(QuarryError);
      expect((await run(world, ['receipts', 'verify', path, '--remote', '--json', ...pins])).out).toContain(
        '"valid":true',
      );
      expect((await run(world, ['receipts', 'history', job.job_id, ...pins])).out).toMatch(/yes\s+yes/);
      expect((await run(world, ['receipts', 'history', job.job_id, '--json'])).out.trim()).toBe(
        `{"items":[${receipt.out.trim()}]}`,
      );

      const watched = await run(world, ['watch', '--job', job.job_id, '--json', '--poll-ms', '10']);
      expect(JSON.parse(watched.out.split('\n')[0]!)).toMatchObject({
        type: 'job_update',
        data: { job_id: job.job_id, status: 'completed' },
        synthetic: true,
      });
      expect((await run(world, ['miner', 'stats', 'm1', '--json'])).out).toContain('"total_jobs":1');
    },
  );

  it('cancels, and a second time fails with the code of the document', async () => {
    const { out } = await run(documented, ['jobs', 'create', '--file', '-', '--json'], JSON.stringify(SCORING));
    const { job_id: id } = JSON.parse(out) as { job_id: string };
    expect((await run(documented, ['jobs', 'cancel', id])).out).toContain('cancelled');
    expect((await run(documented, ['jobs', 'cancel', id])).error).toMatchObject({ apiCode: 'JOB_ALREADY_COMPLETED' });
    expect((await run(documented, ['jobs', 'wait', id])).error).toMatchObject({ code: 'FAILED_PRECONDITION' });
  });

  it('offers', async () => {
    const offer = await file('offer.json', { job_type: 'scoring', price: '0.001', max_jobs: 1 });
    const created = JSON.parse((await run(documented, ['offers', 'create', '--file', offer, '--json'])).out) as {
      offer_id: string;
    };
    expect((await run(documented, ['offers', 'list', '--max-price', '0.01'])).out).toContain(created.offer_id);
    const job = JSON.parse(
      (await run(documented, ['jobs', 'create', '--file', await file('j.json', SCORING), '--json'])).out,
    ) as { job_id: string };
    const accept = ['offers', 'accept', created.offer_id, '--job', job.job_id, '--bid', '0.001', '--json'];
    expect(JSON.parse((await run(documented, accept)).out)).toMatchObject({ status: 'pending' });
    expect((await run(documented, accept)).error).toMatchObject({ apiCode: 'OFFER_NOT_AVAILABLE' });
    expect(JSON.parse((await run(documented, ['offers', 'list', '--json'])).out)).toEqual({ offers: [] });
    expect((await run(documented, ['offers', 'stats', '--json'])).out).toContain('"total_jobs"');
    const onLive = await run(live, ['offers', 'create', '--file', offer]);
    expect(onLive.error).toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringContaining('--marketplace-url') as string,
    });
  });

  it('services, registry, health, login', async () => {
    const prompt = await file('prompt.json', { model: 'llama-7b', prompt: 'Hello', max_tokens: 256 });
    for (const world of [documented, live]) {
      expect(JSON.parse((await run(world, ['services', 'llm', '--file', prompt, '--json'])).out)).toMatchObject({
        status: 'submitted',
      });
      expect((await run(world, ['registry', 'list', '--category', 'ai_ml'])).out).toContain('llm_inference');
      expect(JSON.parse((await run(world, ['registry', 'get', 'llm_inference', '--json'])).out)).toMatchObject({
        id: 'llm_inference',
      });
      expect(JSON.parse((await run(world, ['registry', 'schema', 'llm_inference'])).out)).toMatchObject({
        type: 'object',
      });
      expect((await run(world, ['registry', 'requirements', 'llm_inference'])).out).toContain('vram');
      const valid = await run(world, ['registry', 'validate', 'llm_inference', '--file', prompt, '--json']);
      expect(JSON.parse(valid.out)).toEqual({ valid: true, errors: [], warnings: [] });
      const bad = await run(world, ['registry', 'validate', 'llm_inference', '--file', await file('bad.json', {})]);
      expect(bad.error).toMatchObject({ code: 'DATA_INVALID' });
      const health = await run(world, ['health', '--json']);
      expect(JSON.parse(health.out)).toMatchObject({ status: 'ok' });
      expect(health.err).toContain(`dialect: ${world.dialect}`);
    }
    expect((await run(live, ['login'])).out).toMatch(/^ey/);
    expect((await run(documented, ['services', 'nothing', '--file', prompt])).error).toMatchObject({ code: 'USAGE' });
  });

  it('flags win over the environment, and the dialect can be forced', async () => {
    const unreachable = await run(documented, [
      'health',
      '--base-url',
      'http://127.0.0.1:9',
      '--dialect',
      'documented',
    ]);
    expect(unreachable.error).toMatchObject({
      code: 'UNREACHABLE',
      exitCode: 4,
      hint: expect.stringContaining('--base-url') as string,
    });
    expect((await run(documented, ['health', '--dialect', 'live-key', '--json'])).out).toContain('"status":"ok"');
    expect((await run(documented, ['health', '--dialect', 'klingon'])).error).toMatchObject({
      code: 'commander.invalidArgument',
    });
  });

  it('says what is wrong with files and keys', async () => {
    expect((await run(documented, ['jobs', 'create', '--file', '/nowhere.json'])).error).toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    expect((await run(documented, ['jobs', 'create', '--file', await file('x.json', 'nope')])).error).toMatchObject({
      code: 'DATA_INVALID',
    });
    expect((await run(documented, ['jobs', 'create', '--file', await file('y.json', [1])])).error).toMatchObject({
      code: 'DATA_INVALID',
    });
  });

  it('every command has an example in its help', async () => {
    const helps: [string, string][] = [];
    const visit = async (path: string[], command: Command): Promise<void> => {
      helps.push([path.join(' '), (await run(undefined, [...path, '--help'])).out]);
      for (const child of command.commands) await visit([...path, child.name()], child);
    };
    const root = aitbcCommand({} as CliContext);
    for (const child of root.commands) await visit([child.name()], child);
    expect(helps.length).toBeGreaterThan(25);
    for (const [path, help] of helps) {
      if (!['jobs', 'offers', 'receipts', 'miner', 'registry'].includes(path))
        expect(help, path).toContain('Example:\n');
    }
  });

  it('serve: prints settings that work, until interrupted', async () => {
    const stop = new AbortController();
    const serving = run(undefined, ['serve', '--port', '0', '--dialect', 'live-jwt', '--json'], '', stop.signal);
    setTimeout(() => stop.abort(), 300);
    const { out, error } = await serving;
    expect(error).toBeUndefined();
    const { settings } = JSON.parse(out) as { settings: Record<string, string> };
    expect(Object.keys(settings)).toEqual(
      expect.arrayContaining(['AITBC_BASE_URL', 'AITBC_WALLET_KEY', 'AITBC_MINER_KEY']),
    );
  });

  it('demo: a job from creation to a verified receipt', async () => {
    const shown = await run(undefined, ['demo']);
    expect(shown.error).toBeUndefined();
    expect(shown.out).toMatch(/verified +yes\ntrusted +yes/);
    const json = await run(undefined, ['demo', '--json', await file('sample.txt', 'some bytes')]);
    expect(JSON.parse(json.out)).toMatchObject({
      results: { status: 'completed', results: { scores: [{ bytes: 10 }] } },
      verification: { verified: true, trusted: true },
      coordinator_says: { valid: true },
      results_bound: true,
    });
  });
});
