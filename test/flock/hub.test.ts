import { createHash, randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HubServer } from '../../src/devnet/flock/hub-server.js';
import { type UploadOptions, uploadFolder } from '../../src/flock/hub/upload.js';
import { globToRegExp } from '../../src/flock/hub/upload-folder-scan.js';
import { failure, onEnd, tempDir } from './bench.js';

const REPO = 'alice/task-7-model';
const noSleep = { sleep: async () => {}, random: () => 0 };

async function startHub(): Promise<HubServer> {
  const hub = await new HubServer().listen();
  onEnd(() => hub.close());
  return hub;
}

async function folder(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const dir = await tempDir();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

const MODEL = {
  'adapter_config.json': '{"base_model_name_or_path":"Qwen/Qwen2.5-7B"}',
  'adapter_model.safetensors': randomBytes(200_000),
  'nested/deep/er/and/deeper/still/notes.md': '# Notes ✓\n',
};

const run = (hub: HubServer, dir: string, more: Partial<UploadOptions> = {}) =>
  uploadFolder({ repo: REPO, dir, token: hub.token, hubUrl: hub.url, ...more }, noSleep);

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('upload through @huggingface/hub', () => {
  it('upload_to_hf: creates a public repository, the stored tree is the folder, the returned hash is the commit', async () => {
    const hub = await startHub();
    const result = await run(hub, await folder(MODEL));
    const head = hub.head(REPO);
    expect(result.oid).toBe(head.oid);
    expect(result.oid).toMatch(/^[0-9a-f]{40}$/);
    expect(result).toMatchObject({ unchanged: false, warnings: [], url: `${hub.url}/${REPO}/commit/${head.oid}` });
    const stored = Object.fromEntries(
      [...head.tree].filter(([path]) => path !== '.gitattributes').map(([p, f]) => [p, sha(f.bytes)]),
    );
    expect(stored).toEqual(
      Object.fromEntries(Object.entries(MODEL).map(([path, bytes]) => [path, sha(Buffer.from(bytes))])),
    );
    expect(hub.repos.get(REPO)?.private).toBe(false);
    expect(JSON.parse(hub.seen(/repos\/create/)[0]?.body.toString() ?? '')).toMatchObject({ visibility: 'public' });
    const put = hub.seen(/^PUT/)[0];
    expect(put?.headers['authorization']).toBeUndefined();
  });

  it('large files in parts', async () => {
    const hub = await startHub();
    hub.partBytes = 64 * 1024;
    const bytes = randomBytes(300_000);
    await run(hub, await folder({ 'model.safetensors': bytes }));
    expect(hub.seen(/^PUT/)).toHaveLength(5);
    expect(hub.head(REPO).tree.get('model.safetensors')?.bytes.equals(bytes)).toBe(true);
  });

  it('repository exists: reused, other files stay; with requireNew a conflict and no request that changes anything', async () => {
    const hub = await startHub();
    hub.push(REPO, { 'old.txt': 'stays' });
    const dir = await folder(MODEL);
    expect(await failure(run(hub, dir, { requireNew: true }))).toMatchObject({
      reason: 'FLOCK_HUB_CONFLICT',
      code: 'ALREADY_EXISTS',
    });
    expect(hub.requests.filter((request) => request.method !== 'GET')).toEqual([]);
    await run(hub, dir);
    expect([...hub.head(REPO).tree.keys()].sort()).toEqual([
      '.gitattributes',
      'adapter_config.json',
      'adapter_model.safetensors',
      'nested/deep/er/and/deeper/still/notes.md',
      'old.txt',
    ]);
  });

  it('nothing changed: no commit, the present head, unchanged', async () => {
    const hub = await startHub();
    const dir = await folder(MODEL);
    const first = await run(hub, dir);
    hub.requests.length = 0;
    const second = await run(hub, dir);
    expect(second).toMatchObject({ oid: first.oid, unchanged: true });
    expect(hub.requests.filter((request) => request.method !== 'GET')).toEqual([]);
    await writeFile(join(dir, 'adapter_config.json'), '{}');
    const third = await run(hub, dir);
    expect(third.unchanged).toBe(false);
    // Only the changed file travels.
    expect(hub.seen(/^PUT/)).toHaveLength(0);
  });

  it('commit done but the reply lost: found on the branch, no second commit', async () => {
    const hub = await startHub();
    hub.createRepo(REPO);
    hub.fail({ match: /POST .*\/commit\//, mode: 'lose-reply' });
    const result = await run(hub, await folder(MODEL));
    expect(result).toMatchObject({ reconciled: true, oid: hub.head(REPO).oid });
    expect(hub.repos.get(REPO)?.commits).toHaveLength(2);
  });

  it('commit lost on the way: made once more, one commit in the end', async () => {
    const hub = await startHub();
    hub.createRepo(REPO);
    hub.fail({ match: /POST .*\/commit\//, mode: 'reset' });
    const result = await run(hub, await folder(MODEL));
    expect(result).toMatchObject({ reconciled: false, oid: hub.head(REPO).oid });
    expect(hub.repos.get(REPO)?.commits).toHaveLength(2);
  });

  it('somebody pushed in between: refused, nothing overwritten', async () => {
    const hub = await startHub();
    hub.createRepo(REPO);
    const dir = await folder(MODEL);
    const error = await failure(
      run(hub, dir, {
        onEvent: (event) => {
          if (event.event === 'committing') hub.push(REPO, { 'theirs.txt': 'x' });
        },
      }),
    );
    expect(error).toMatchObject({ reason: 'FLOCK_HUB_CONFLICT' });
    expect(hub.repos.get(REPO)?.commits).toHaveLength(2);
  });

  it('gateway failures before the commit are repeated', async () => {
    const hub = await startHub();
    for (const match of [/preupload/, /objects\/batch/, /^PUT/]) hub.fail({ match, status: 502, times: 2 });
    hub.fail({ match: /revision/, status: 503 });
    expect((await run(hub, await folder(MODEL))).oid).toBe(hub.head(REPO).oid);
  });

  it('folder missing, empty, or with a link that leads out: an error before any request', async () => {
    const hub = await startHub();
    expect(await failure(run(hub, '/nowhere/at/all'))).toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect(await failure(run(hub, await tempDir()))).toMatchObject({ code: 'DATA_EMPTY' });
    const secret = await folder({ 'secret.txt': 'secret' });
    const dir = await folder({ 'a.txt': 'a' });
    await symlink(join(secret, 'secret.txt'), join(dir, 'link.txt'));
    await symlink(dir, join(dir, 'circle'));
    expect(await failure(run(hub, dir))).toMatchObject({ code: 'DATA_INVALID' });
    expect(hub.requests).toEqual([]);
    const result = await run(hub, dir, { followSymlinks: true });
    expect(result.files).toContain('link.txt');
  });

  it('.git and the Hub cache are skipped at any depth; patterns choose', async () => {
    const hub = await startHub();
    const dir = await folder({
      'a.txt': 'a',
      '.git/config': 'secret',
      'sub/.git/config': 'secret',
      '.cache/huggingface/x': 'x',
      '.gitattributes': '*.bin filter=lfs\n',
      'checkpoint-1/optimizer.pt': 'x',
    });
    const dry = await run(hub, dir, { dryRun: true, exclude: ['checkpoint-*/**'] });
    expect(dry.files).toEqual(['.gitattributes', 'a.txt']);
    expect(dry.oid).toBeNull();
    expect(hub.repos.size).toBe(0);
    expect(globToRegExp('*.pt').test('deep/er/x.pt')).toBe(true);
    expect(globToRegExp('a/*.pt').test('a/b/x.pt')).toBe(false);
  });

  it('an empty file: uploaded where the Hub takes it as it is, a clear error where it wants LFS', async () => {
    const hub = await startHub();
    await run(hub, await folder({ 'a.txt': 'a', 'empty.txt': '' }));
    expect(hub.head(REPO).tree.get('empty.txt')?.bytes.length).toBe(0);
    const error = await failure(run(hub, await folder({ 'a.txt': 'b', 'empty.bin': '' })));
    expect(error).toMatchObject({ code: 'DATA_EMPTY' });
    expect(error.message).toContain('empty.bin');
  });

  it('token missing or of another kind: named, exit 3, no request', async () => {
    const hub = await startHub();
    const dir = await folder(MODEL);
    const missing = await failure(uploadFolder({ repo: REPO, dir, hubUrl: hub.url }));
    expect(missing).toMatchObject({ code: 'CONFIG_MISSING', exitCode: 3 });
    expect(missing.message).toContain('HF_TOKEN');
    expect(await failure(run(hub, dir, { token: 'sk-abc' }))).toMatchObject({ exitCode: 3 });
    expect(hub.requests).toEqual([]);
    const refused = await failure(run(hub, dir, { token: 'hf_wrong' }));
    expect(refused).toMatchObject({ reason: 'FLOCK_AUTH' });
    expect(JSON.stringify(refused) + refused.stack).not.toContain('hf_wrong');
  });

  it('a bare name goes into the namespace of the token; a private repository is warned about', async () => {
    const hub = await startHub();
    const dir = await folder(MODEL);
    expect((await run(hub, dir, { repo: 'my-model' })).repo).toBe('demo-miner/my-model');
    hub.createRepo('alice/hidden', { private: true });
    const hidden = await run(hub, dir, { repo: 'alice/hidden' });
    expect(hidden.warnings).toEqual(['alice/hidden is not public: validators cannot read it']);
  });

  it('interrupted: nothing is committed', async () => {
    const hub = await startHub();
    hub.createRepo(REPO);
    const stop = new AbortController();
    const error = await failure(
      run(hub, await folder(MODEL), {
        signal: stop.signal,
        onEvent: (event) => {
          if (event.event === 'uploading') stop.abort();
        },
      }),
    );
    expect(error).toMatchObject({ code: 'ABORTED' });
    expect(hub.repos.get(REPO)?.commits).toHaveLength(1);
  });
});
