import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import stringWidth from 'string-width';
import { beforeEach, describe, expect, it } from 'vitest';
import { flockCommand } from '../../src/cli/commands/flock.js';
import type { CliContext } from '../../src/cli/context.js';
import { runCommand } from '../../src/cli/main.js';
import { type DemoArena, startDemoArena } from '../../src/devnet/flock/demo-arena.js';
import { createStyle } from '../../src/text/index.js';
import { until } from '../until.js';
import { onEnd, tempDir } from './bench.js';

let arena: DemoArena;
let home: string;

beforeEach(async () => {
  arena = await startDemoArena();
  onEnd(() => arena.close());
  home = await tempDir();
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function quarry(
  line: string | readonly string[],
  more: { env?: Record<string, string>; columns?: number; signal?: AbortSignal; onErr?: (err: string) => void } = {},
): Promise<Run> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let [out, err] = ['', ''];
  stdout.on('data', (chunk) => {
    out += chunk;
  });
  stderr.on('data', (chunk) => {
    err += chunk;
    more.onErr?.(err);
  });
  const context: CliContext = {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: { PATH: process.env['PATH'], HOME: home, ...arena.env, ...more.env },
    signal: more.signal ?? new AbortController().signal,
    isTty: more.columns !== undefined,
    isErrTty: false,
    columns: more.columns,
    style: createStyle(false),
    errStyle: createStyle(false),
  };
  const args = typeof line === 'string' ? line.split(' ') : [...line];
  const code = await runCommand(['flock', ...args], context);
  return { code, out, err };
}

const lines = (text: string): string[] => text.trimEnd().split('\n');

describe('tables', () => {
  it('open tasks as people read them', async () => {
    expect(lines((await quarry('tasks')).out)).toEqual([
      'ID  TITLE                                                        TYPE      PHASE  CLOSES (UTC)      LEFT     PARAMS   CTX  VRAM',
      ' 7  FLock x OneKey: Advancing AI-Driven Smart Contract Security  training  open   2025-04-23 23:59  13d 10h     15B  8192  48GB',
    ]);
  });

  it('emoji, full-width text and long titles stay aligned, in any width; escapes are gone', async () => {
    const [first, second, third] = arena.ledger.tasks;
    Object.assign(first!, {
      title:
        '🚀 火箭任务 👩‍🚀 with a title that goes on and on and on, further than any terminal is wide, and then some',
    });
    Object.assign(second!, { title: 'plain\u001b[31m red\u001b[0m \u001b]0;x\u0007title' });
    Object.assign(third!, { title: 'ｆｕｌｌ　ｗｉｄｔｈ' });
    for (const columns of [40, 60, 80, 120, 200]) {
      const rows = lines((await quarry('tasks --status all', { columns })).out);
      expect(rows).toHaveLength(9);
      const head = rows[0] ?? '';
      const at = stringWidth(head.slice(0, head.indexOf('LEFT')));
      for (const row of rows) {
        expect(stringWidth(row), `${columns}: ${row}`).toBeLessThanOrEqual(columns);
        expect(row).not.toContain('\u001b');
      }
      // What stands before LEFT is equally wide in every row, whatever the title is made of.
      for (const row of rows.slice(1)) {
        const left = /(?:closed \d+d ago|\d+d \d\dh)/.exec(row);
        if (head.includes('LEFT') && left !== null)
          expect(stringWidth(row.slice(0, left.index)), `${columns}: ${row}`).toBe(at);
      }
    }
    const wide = (await quarry('tasks --status all')).out;
    expect(wide).toContain('plain red title');
    expect(wide).not.toContain('…');
  });

  it('missing memory advice is a dash in the table, empty in CSV, null in flat JSON', async () => {
    const table = lines((await quarry('tasks --status finalized')).out);
    expect(table.find((line) => line.startsWith('99999'))).toMatch(/—$/);
    const csv = lines((await quarry('tasks --status finalized --columns id,data_recommended_vram --csv')).out);
    expect(csv[0]).toBe('id,data_recommended_vram');
    expect(csv[1]).toBe('99999,');
    const flat = JSON.parse((await quarry('tasks --status finalized --json --flat')).out);
    expect(flat.tasks[0].data_recommended_vram).toBeNull();
    expect(flat.tasks[0].data_max_params).toBe(3000000000);
  });

  it('scores of invalid models are marked, with the raw value in JSON', async () => {
    arena.ledger.addSubmission(7, { hg_repo_id: 'a/bad' }, { submission_phase_score: 999 });
    arena.ledger.addSubmission(7, { hg_repo_id: 'a/good' }, { submission_phase_score: 0.5 });
    arena.ledger.addSubmission(7, { hg_repo_id: 'a/good' }, { submission_phase_score: 0.4 });
    const best = await quarry('subs 7 --better lower');
    expect(lines(best.out)[1]).toMatch(/a\/good +0\.4 +—/);
    expect(lines(best.out)[2]).toMatch(/a\/bad +invalid \(999\) +—/);
    expect(best.err).toContain('2 links, 3 submissions');
    expect(
      JSON.parse((await quarry('subs 7 --all --json')).out).submissions.map(
        (row: { submission_phase_score: number }) => row.submission_phase_score,
      ),
    ).toEqual([0.4, 0.5, 999]);
  });

  it('one task: description as text, HTML on request', async () => {
    const { out } = await quarry('task 6');
    expect(out).toContain('Read the story (https://example.org/seek48) & join:\n\n- write songs\n- plan tours\n');
    expect((await quarry('task 6 --html')).out).toContain('<ul><li>write songs</li>');
    const six = arena.ledger.tasks.find(({ id }) => id === 6)!;
    const { description } = six;
    six.description = `${description}\u009b31m\u001b[2Jred`;
    expect((await quarry('task 6 --html')).out).toContain('</ul>red');
    six.description = description;
    expect((await quarry('task 6')).out).not.toContain('X-Amz-Signature');
  });
});

describe('formats', () => {
  it('JSON is the wire value in one object, NDJSON one row per line', async () => {
    const json = JSON.parse((await quarry('tasks --status all --json')).out);
    expect(json.tasks).toHaveLength(8);
    expect(json.tasks[0].data).toMatchObject({ training_set_key: '99999/training_set.jsonl' });
    const rows = lines((await quarry('tasks --status all --ndjson')).out).map((line) => JSON.parse(line));
    expect(rows).toEqual(json.tasks);
    expect((await quarry('tasks --status nothing --ndjson')).out).toBe('');
    expect(JSON.parse((await quarry('tasks --status nothing --json')).out)).toEqual({ tasks: [] });
  });

  it('CSV: every field, quoted, LF or CRLF, mark and guard on request', async () => {
    Object.assign(arena.ledger.tasks[7]!, { title: '=SUM(1,2) "quoted"\nnext', description: '+cmd' });
    const csv = (await quarry('tasks --csv')).out;
    expect(csv.startsWith('title,description,task_type,')).toBe(true);
    expect(csv).toContain('"=SUM(1,2) ""quoted""\nnext",+cmd,training,2419200,7,');
    expect(csv).not.toContain('\r');
    const tuned = (await quarry('tasks --csv --crlf --bom --guard --columns title,description')).out;
    expect(tuned).toBe('\ufefftitle,description\r\n"\'=SUM(1,2) ""quoted""\nnext",\'+cmd\r\n');
  });

  it('Markdown escapes what would break the table', async () => {
    Object.assign(arena.ledger.tasks[7]!, { title: 'a | b' });
    const rows = lines((await quarry('tasks --md --columns id,title')).out);
    expect(rows).toEqual(['| ID | TITLE |', '| ---: | --- |', '| 7 | a \\| b |']);
  });

  it('stats: both series, the last day marked', async () => {
    const rows = lines((await quarry('stats daily --last 2')).out);
    expect(rows[1]).toMatch(/^2025-04-09 +39 +2521 +█+$/);
    expect(rows[2]).toMatch(/^2025-04-10 +35 +2306 +█+ partial$/);
    expect((await quarry('stats daily --last 2')).err).toContain('the last 2 of 103 days; --last 103 shows all');
    expect((await quarry('stats daily --last 1000')).err).not.toContain('the last');
    expect(JSON.parse((await quarry('stats daily --type submission --last 1 --json')).out)).toEqual({
      days: [{ time: '2025-04-10', submissions: 35, partial: true }],
    });
  });

  it('wallet: both roles side by side; an address known in lower case only is found and said', async () => {
    const wallet = '0xB93A9c73751Bbca8E1924954271ee8d4De5747c9';
    expect(lines((await quarry(`wallet ${wallet}`)).out).map((line) => line.split(/ +/)[0])).toEqual([
      'ROLE',
      'node',
      'validator',
    ]);
    arena.ledger.wallets.set(wallet.toLowerCase(), [{ task_id: 7, rank: 1 }]);
    const found = await quarry(`wallet ${wallet} subs`);
    expect(lines(found.out)).toEqual(['task_id  rank', '7        1']);
    expect(found.err).toContain(wallet.toLowerCase());
  });
});

describe('exit codes and refusals', () => {
  it('0 done, 1 failure, 2 usage, 3 configuration, 4 network', async () => {
    expect((await quarry('health')).code).toBe(0);
    expect((await quarry('task 404')).code).toBe(1);
    expect((await quarry('tasks --json --csv')).code).toBe(2);
    expect((await quarry('tasks --nonsense')).code).toBe(2);
    expect((await quarry('tasks --columns nope')).code).toBe(2);
    expect((await quarry('subs 7', { env: { FLOCK_API_KEY: '' } })).code).toBe(3);
    expect((await quarry('subs 7', { env: { FLOCK_API_KEY: 'wrong' } })).code).toBe(3);
    expect((await quarry('upload a/b', { env: { HF_TOKEN: '' } })).code).toBe(3);
    expect((await quarry('tasks', { env: { FLOCK_BASE_URL: 'http://example.org' } })).code).toBe(3);
    expect((await quarry('health --timeout 1', { env: { FLOCK_BASE_URL: 'http://127.0.0.1:9' } })).code).toBe(4);
  });

  it('a key on the command line is refused; files, .env and the arena variable work, and the environment wins', async () => {
    expect((await quarry('subs 7 --api-key X')).code).toBe(2);
    const keyFile = join(home, 'key');
    await writeFile(keyFile, `${arena.ledger.apiKey}\n`);
    expect((await quarry(['subs', '7', '--api-key-file', keyFile], { env: { FLOCK_API_KEY: 'wrong' } })).code).toBe(0);
    expect(
      (await quarry('subs 7', { env: { FLOCK_API_KEY: 'wrong', FLOCK_ARENA_API_KEY: arena.ledger.apiKey } })).code,
    ).toBe(0);
    const dotenv = join(home, 'vars');
    await writeFile(dotenv, 'FLOCK_ARENA_API_KEY=wrong\nHF_TOKEN=hf_other\n');
    expect((await quarry(['subs', '7', '--dotenv', dotenv])).code).toBe(3);
    expect(
      (await quarry(['subs', '7', '--dotenv', dotenv], { env: { FLOCK_ARENA_API_KEY: arena.ledger.apiKey } })).code,
    ).toBe(0);
    expect((await quarry('subs 7 --dotenv /nowhere')).code).toBe(1);
    expect((await quarry('subs 7', { env: { FLOCK_API_KEY: 'sk-123' } })).err).toContain('train.flock.io');
  });

  it('every command explains itself with an example', async () => {
    const command = flockCommand({} as CliContext);
    const names = command.commands.map((sub) => sub.name());
    expect(names).toEqual([
      'demo',
      'health',
      'tasks',
      'task',
      'countdown',
      'download',
      'watch',
      'subs',
      'upload',
      'submit',
      'publish',
      'run',
      'stats',
      'wallet',
      'leaderboard',
      'validate',
      'gpu',
      'doctor',
    ]);
    for (const name of names) {
      const line =
        name === 'stats' ? 'stats daily --help' : name === 'validate' ? 'validate loop --help' : `${name} --help`;
      const { out, code } = await quarry(line);
      expect(code).toBe(0);
      expect(out, name).toMatch(/Examples?:\n {2}quarry flock/);
      expect(out).toContain('--json');
    }
  });
});

describe('work', () => {
  async function model(): Promise<string> {
    const dir = join(home, 'outputs');
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'adapter_config.json'), '{"base_model_name_or_path":"Qwen/Qwen2.5-7B"}');
    await writeFile(join(dir, 'adapter_model.safetensors'), Buffer.alloc(2000, 7));
    return dir;
  }

  it('download: the file, its record, progress on stderr only', async () => {
    const dest = join(home, 'set.jsonl');
    const { out, err } = await quarry(['download', '7', '-o', dest, '--json']);
    expect(JSON.parse(out)).toMatchObject({ path: dest, md5Checked: true, jsonl: { lines: 2000 } });
    expect(err).toContain('downloading');
    expect(lines(await readFile(dest, 'utf8'))).toHaveLength(2000);
    expect(await quarry(['download', '7', '-o', dest])).toMatchObject({
      code: 1,
      err: expect.stringContaining('exists'),
    });
  });

  it('interrupted download: exit 130, part kept, the same command goes on', async () => {
    arena.s3.put('7/training_set.jsonl', Buffer.alloc(3 << 20, 10));
    arena.s3.faulty.stallAfter = [1 << 20];
    const dest = join(home, 'set.bin');
    const stop = new AbortController();
    const kept = async (): Promise<number> => (await stat(`${dest}.part`).catch(() => undefined))?.size ?? 0;
    const interrupted = quarry(['download', '7', '-o', dest], { signal: stop.signal });
    await until(async () => (await kept()) > 0, 'bytes in the part file');
    stop.abort();
    expect((await interrupted).code).toBe(130);
    expect(await kept()).toBeGreaterThan(0);
    const resumed = await quarry(['download', '7', '-o', dest, '--json']);
    expect(JSON.parse(resumed.out).resumedFrom).toBeGreaterThan(0);
    expect((await readFile(dest)).equals(Buffer.alloc(3 << 20, 10))).toBe(true);
  });

  it('upload prints only the hash with --quiet', async () => {
    const dir = await model();
    const { out, err } = await quarry(['upload', 'a/b', '--dir', dir, '--quiet']);
    expect(out).toBe(`${arena.hub.head('a/b').oid}\n`);
    expect(err).toBe('');
  });

  it('publish: upload, checks, submission; refused without --yes in a script, before anything is sent', async () => {
    const dir = await model();
    const args = ['publish', '7', '--repo', 'a/b', '--dir', dir, '--base-model', 'qwen1.5'];
    expect((await quarry(args)).code).toBe(2);
    expect((await quarry([...args, '--yes'], { env: { FLOCK_API_KEY: '' } })).code).toBe(3);
    expect([...arena.hub.requests, ...arena.ledger.requests]).toEqual([]);
    const done = await quarry([...args, '--yes', '--json']);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.out)).toMatchObject({ reconciled: false, sent: { task_id: 7 }, report: { ok: true } });
    expect(arena.ledger.submissions[0]?.data).toMatchObject({
      hg_repo_id: 'a/b',
      gpu_type: 'NVIDIA A100-SXM4-80GB',
      revision: arena.hub.head('a/b').oid,
    });
    expect(await readFile(join(home, '.local/state/quarry/flock/submissions.jsonl'), 'utf8')).toContain('"repo":"a/b"');
    const closed = await quarry(['submit', '1', '--repo', 'a/b', '--yes']);
    expect(closed.code).toBe(1);
    expect(closed.err).toMatch(/task +fail/);
  });

  it('run: training set, program of the user, upload, submission', async () => {
    const train =
      'test -s "$TRAINING_SET" && test "$CONTEXT_LENGTH" = 8192 && test "$MAX_PARAMS" = 15000000000 && echo \'{"base_model_name_or_path":"Qwen/Qwen2.5-7B"}\' > "$OUTPUT_DIR/adapter_config.json" && echo w > "$OUTPUT_DIR/adapter_model.bin" && echo trained task $TASK_ID';
    const work = join(home, 'work');
    const done = await quarry([
      'run',
      '7',
      '--train',
      train,
      '--repo',
      'a/r',
      '--base-model',
      'qwen1.5',
      '--work-dir',
      work,
      '--yes',
      '--json',
    ]);
    expect(done.err).toContain('trained task 7');
    expect(done.code).toBe(0);
    expect(JSON.parse(done.out).sent.data.hg_repo_id).toBe('a/r');
    const broken = await quarry(['run', '7', '--train', 'exit 3', '--repo', 'a/r', '--work-dir', work, '--yes']);
    expect(broken.err).toContain('status 3');
  });

  it('run and publish refuse what submitting needs before they train or upload', async () => {
    const trained = join(home, 'trained');
    for (const [args, env, why] of [
      [['--repo', 'a/r'], {}, 'needs --yes'],
      [['--repo', 'a b', '--yes'], {}, '"repo" expected owner/name'],
      [['--repo', 'a/r', '--yes'], { HF_TOKEN: '' }, 'needs a Hugging Face token'],
      [['--repo', 'a/r', '--yes', '--csv', '--md'], {}, 'exclude each other'],
    ] as const) {
      const { err, code } = await quarry(['run', '7', '--train', `touch ${trained}`, ...args], { env });
      expect([args, code === 0, err]).toEqual([args, false, expect.stringContaining(why)]);
    }
    expect(existsSync(trained)).toBe(false);
    const uploads = arena.hub.requests.length;
    const { err } = await quarry(['publish', '7', '--repo', 'a/r', '--yes', '--daily-limit', '-1']);
    expect(err).toContain('--daily-limit');
    expect(arena.hub.requests.length).toBe(uploads);
  });

  it('validate loop: an external scorer, one NDJSON event per line, no arena key in its environment', async () => {
    arena.ledger.addSubmission(7, { hg_repo_id: 'a/b' });
    const scorer = 'cat > /dev/null; test -z "$FLOCK_API_KEY" && test -n "$HF_TOKEN" && echo \'{"loss": 0.25}\'';
    const { out } = await quarry(['validate', 'loop', '7', '--max', '1', '--scorer', scorer, '--json']);
    expect(lines(out).map((line) => JSON.parse(line).event)).toEqual(['assigned', 'completed']);
    expect(arena.ledger.assignments[0]?.metrics).toEqual({ loss: 0.25 });
  });

  it('watch: events as NDJSON, hooks get each of them, a failing hook does not end it', async () => {
    const stop = new AbortController();
    const log = join(home, 'events');
    const running = quarry(['watch', '--existing', '--json', '--exec', `cat >> ${log}; exit 1`], {
      signal: stop.signal,
      onErr: (err) => err.includes('ended with status 1') && setTimeout(() => stop.abort(), 100),
    });
    const { out, err } = await running;
    const events = lines(out).map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ event: 'task-opened', id: 7 });
    expect(await readFile(log, 'utf8')).toContain('"event":"task-opened"');
    expect(err).toContain('ended with status 1');
  });

  it('demo: the tour runs to its end', async () => {
    const { code, out } = await quarry('demo');
    expect(code).toBe(0);
    expect(out).toContain('$ quarry flock publish 7');
    expect(out).toMatch(/task-7-Qwen2\.5-7B +0\.731 +—/);
  });
});
