import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type LoopbackRequest, sendJson } from '../loopback/server.js';
import { FaultyServer } from './faulty-server.js';
import { isJsonObject, type JsonObject } from './json.js';

/** A file of a commit. */
export interface HubFile {
  readonly bytes: Buffer;
  readonly lfs: boolean;
}

/** A commit with its complete file tree. */
export interface HubCommit {
  readonly oid: string;
  readonly title: string;
  readonly tree: ReadonlyMap<string, HubFile>;
}

/** A model repository. */
export interface HubRepo {
  private: boolean;
  gated: boolean | string;
  /** Oldest first; never empty. */
  readonly commits: HubCommit[];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string> | undefined;
}

/** From version 2 the official client sends LFS files only to a chunk store, so report all files as regular to it. */
const XET_ONLY = /\bhf_hub\/(?:[2-9]|\d\d)/;

/** A Hugging Face Hub for model repositories on loopback: create, preupload, LFS, commit, tree, files. */
export class HubServer extends FaultyServer {
  readonly token: string;
  readonly user = 'demo-miner';
  readonly repos = new Map<string, HubRepo>();
  readonly lfs = new Map<string, Buffer>();
  /** Parameter counts reported for base models. */
  readonly modelParams = new Map<string, number>();
  /** Files that go through LFS, by name. */
  lfsPattern = /\.(?:safetensors|bin|onnx|gguf|pt)$/;
  /** LFS objects larger than this are uploaded in parts of this size. */
  partBytes = 5 * 1024 * 1024;
  readonly #parts = new Map<string, Map<number, Buffer>>();

  constructor(options: { readonly token?: string | undefined } = {}) {
    super();
    this.token = options.token ?? 'hf_demoDemoDemoDemoDemoDemoDemoDemo00';
  }

  /** Creates a repository with its first commit. */
  createRepo(name: string, options: { private?: boolean | undefined } = {}): HubRepo {
    const repo: HubRepo = { private: options.private ?? false, gated: false, commits: [] };
    this.repos.set(name, repo);
    this.#commit(
      repo,
      'initial commit',
      new Map([['.gitattributes', { bytes: Buffer.from('*.bin filter=lfs\n'), lfs: false }]]),
    );
    return repo;
  }

  /** The latest commit of a repository. */
  head(name: string): HubCommit {
    const commit = this.repos.get(name)?.commits.at(-1);
    if (commit === undefined) throw new Error(`no repository ${name}`);
    return commit;
  }

  /** Adds files in one commit, as another client's push would. */
  push(name: string, files: Readonly<Record<string, string | Buffer>>, title = 'push'): HubCommit {
    const repo = this.repos.get(name) ?? this.createRepo(name);
    const tree = new Map(this.head(name).tree);
    for (const [path, bytes] of Object.entries(files)) {
      tree.set(path, { bytes: Buffer.from(bytes), lfs: this.lfsPattern.test(path) });
    }
    return this.#commit(repo, title, tree);
  }

  protected handle(request: LoopbackRequest, response: ServerResponse): void {
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(request.path);
    if (file !== null && request.method === 'GET') {
      this.#resolve(request, response, decode(file[1]), decode(file[2]), decode(file[3]));
      return;
    }
    const { status, body, headers } = this.#answer(request);
    sendJson(response, status, body, { 'x-request-id': 'demo', ...headers });
  }

  #answer(request: LoopbackRequest): Answer {
    const { method, path } = request;
    if (method === 'PUT' && path.startsWith('/lfs/')) return this.#putLfs(request);
    if (method === 'POST' && path.startsWith('/lfs-complete/')) return this.#completeLfs(request);
    if (path === '/api/whoami-v2') {
      return this.#authorised(request) ? answer(200, this.#whoAmI()) : answer(401, { error: 'Invalid credentials' });
    }
    if (method === 'POST' && path === '/api/repos/create') return this.#create(request);
    if (/\/xet-(?:write|read)-token\//.test(path)) return this.#noXet();
    const batch = /^\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(path);
    if (method === 'POST' && batch !== null) return this.#batch(request);
    const api = /^\/api\/models\/([^/]+\/[^/]+)(?:\/(preupload|commit|revision|tree|commits)\/([^/]+))?$/.exec(path);
    if (api === null) return answer(404, { error: 'Not found' });
    const name = decode(api[1]);
    const repo = this.repos.get(name);
    const known = this.modelParams.get(name);
    if (repo === undefined && known !== undefined) {
      return answer(200, { id: name, private: false, gated: false, safetensors: { total: known } });
    }
    if (repo === undefined || (repo.private && !this.#authorised(request))) {
      return answer(
        this.#authorised(request) ? 404 : 401,
        { error: 'Repository not found' },
        { 'x-error-code': 'RepoNotFound' },
      );
    }
    if (method === 'POST') {
      if (!this.#authorised(request)) return answer(401, { error: 'Invalid credentials' });
      if (api[2] === 'preupload') return this.#preupload(request, repo);
      if (api[2] === 'commit') return this.#commitRequest(request, name, repo);
    }
    const commit = this.#find(repo, decode(api[3] ?? 'main'));
    if (commit === undefined) return answer(404, { error: 'Invalid rev id' }, { 'x-error-code': 'RevisionNotFound' });
    if (api[2] === 'tree') return answer(200, tree(commit));
    if (api[2] === 'commits') {
      const upTo = repo.commits.slice(0, repo.commits.indexOf(commit) + 1).reverse();
      return answer(
        200,
        upTo.map(({ oid, title }) => ({
          id: oid,
          title,
          message: '',
          authors: [],
          date: new Date(this.now()).toISOString(),
        })),
      );
    }
    return answer(200, {
      _id: name,
      id: name,
      modelId: name,
      sha: commit.oid,
      private: repo.private,
      gated: repo.gated,
      siblings: [...commit.tree.keys()].map((rfilename) => ({ rfilename })),
    });
  }

  /** There is no chunk store; clients that support LFS fall back to it. */
  #noXet(): Answer {
    return answer(404, { error: 'Xet is not enabled for this repository' }, { 'x-error-code': 'EntryNotFound' });
  }

  #whoAmI(): JsonObject {
    return { type: 'user', id: 'demo', name: this.user, fullname: 'Demo', orgs: [], auth: { type: 'access_token' } };
  }

  #authorised(request: LoopbackRequest): boolean {
    return request.headers['authorization'] === `Bearer ${this.token}`;
  }

  #create(request: LoopbackRequest): Answer {
    if (!this.#authorised(request)) return answer(401, { error: 'Invalid credentials' });
    const body = JSON.parse(request.body.toString('utf8')) as JsonObject;
    const name = `${String(body['organization'] ?? this.user)}/${String(body['name'])}`;
    if (this.repos.has(name))
      return answer(409, { error: 'You already created this model repo', url: `${this.url}/${name}` });
    this.createRepo(name, { private: body['visibility'] === 'private' });
    return answer(200, { url: `${this.url}/${name}`, id: name, name });
  }

  #preupload(request: LoopbackRequest, repo: HubRepo): Answer {
    const takesLfs = !XET_ONLY.test(request.headers['user-agent'] ?? '');
    const body = JSON.parse(request.body.toString('utf8')) as { files: { path: string; size: number }[] };
    const current = repo.commits.at(-1)?.tree;
    return answer(200, {
      files: body.files.map(({ path }) => {
        const known = current?.get(path);
        return {
          path,
          uploadMode: takesLfs && this.lfsPattern.test(path) ? 'lfs' : 'regular',
          shouldIgnore: false,
          ...(known !== undefined && { oid: known.lfs ? sha256(known.bytes) : gitOid(known.bytes) }),
        };
      }),
    });
  }

  #batch(request: LoopbackRequest): Answer {
    if (!this.#authorised(request)) return answer(401, { error: 'Invalid credentials' });
    const body = JSON.parse(request.body.toString('utf8')) as { objects: { oid: string; size: number }[] };
    return answer(200, {
      transfer: 'basic',
      objects: body.objects.map(({ oid, size }) => {
        if (size === 0) return { oid, size, error: { code: 422, message: 'Size must be at least 1' } };
        if (this.lfs.has(oid)) return { oid, size };
        if (size <= this.partBytes) return { oid, size, actions: { upload: { href: `${this.url}/lfs/${oid}` } } };
        const count = Math.ceil(size / this.partBytes);
        const parts = Array.from({ length: count }, (_unused, i) => [
          String(i + 1).padStart(5, '0'),
          `${this.url}/lfs/${oid}?part=${i + 1}`,
        ]);
        return {
          oid,
          size,
          actions: {
            upload: {
              href: `${this.url}/lfs-complete/${oid}`,
              header: { chunk_size: String(this.partBytes), ...Object.fromEntries(parts) },
            },
          },
        };
      }),
    });
  }

  #putLfs(request: LoopbackRequest): Answer {
    if (request.headers['authorization'] !== undefined)
      return answer(400, { error: 'Only one auth mechanism allowed' });
    const oid = request.path.slice('/lfs/'.length);
    const part = request.query.get('part');
    if (part !== null) {
      const parts = this.#parts.get(oid) ?? new Map<number, Buffer>();
      parts.set(Number(part), request.body);
      this.#parts.set(oid, parts);
      return answer(200, {}, { etag: `"part-${part}"` });
    }
    return this.#store(oid, request.body);
  }

  #completeLfs(request: LoopbackRequest): Answer {
    const oid = request.path.slice('/lfs-complete/'.length);
    const body = JSON.parse(request.body.toString('utf8')) as { parts: { partNumber: number; etag: string }[] };
    const stored = this.#parts.get(oid) ?? new Map<number, Buffer>();
    const pieces = [...body.parts]
      .sort((a, b) => a.partNumber - b.partNumber)
      .map((part) => (part.etag === `"part-${part.partNumber}"` ? stored.get(part.partNumber) : undefined));
    if (pieces.some((piece) => piece === undefined)) return answer(400, { error: 'Missing part' });
    return this.#store(oid, Buffer.concat(pieces as Buffer[]));
  }

  #store(oid: string, bytes: Buffer): Answer {
    if (sha256(bytes) !== oid) return answer(400, { error: 'Content does not match its SHA-256' });
    this.lfs.set(oid, bytes);
    return answer(200, {});
  }

  #commitRequest(request: LoopbackRequest, name: string, repo: HubRepo): Answer {
    const lines = request.body
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JsonObject);
    const values = lines.map((line) => ({ key: line['key'], value: isJsonObject(line['value']) ? line['value'] : {} }));
    const header = values.find((line) => line.key === 'header')?.value ?? {};
    const parent = header['parentCommit'];
    if (parent !== undefined && parent !== this.head(name).oid) {
      return answer(412, { error: 'A commit has happened since. Please refresh and try again.' });
    }
    const next = new Map(this.head(name).tree);
    for (const { key, value } of values) {
      const path = String(value['path']);
      if (key === 'file') {
        next.set(path, { bytes: Buffer.from(String(value['content']), 'base64'), lfs: this.lfsPattern.test(path) });
      } else if (key === 'deletedFile') next.delete(path);
      else if (key === 'lfsFile') {
        const bytes = this.lfs.get(String(value['oid']));
        if (bytes === undefined) return answer(400, { error: `LFS object of ${path} was never uploaded` });
        next.set(path, { bytes, lfs: true });
      }
    }
    const commit = this.#commit(repo, String(header['summary']), next);
    return answer(200, {
      commitOid: commit.oid,
      commitUrl: `${this.url}/${name}/commit/${commit.oid}`,
      hookOutput: '',
      success: true,
    });
  }

  #commit(repo: HubRepo, title: string, files: ReadonlyMap<string, HubFile>): HubCommit {
    const commit: HubCommit = { oid: createHash('sha1').update(randomBytes(20)).digest('hex'), title, tree: files };
    repo.commits.push(commit);
    return commit;
  }

  #find(repo: HubRepo, revision: string): HubCommit | undefined {
    if (revision === 'main' || revision === 'HEAD') return repo.commits.at(-1);
    return repo.commits.find((commit) => commit.oid === revision);
  }

  #resolve(request: LoopbackRequest, response: ServerResponse, name: string, revision: string, path: string): void {
    const repo = this.repos.get(name);
    const visible = repo !== undefined && (!repo.private || this.#authorised(request));
    const file = visible ? this.#find(repo, revision)?.tree.get(path) : undefined;
    if (file === undefined) {
      sendJson(response, 404, { error: 'Entry not found' }, { 'x-error-code': 'EntryNotFound' });
      return;
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(String(request.headers['range'] ?? ''));
    const start = range === null ? 0 : Number(range[1]);
    const end =
      range === null || range[2] === '' ? file.bytes.length : Math.min(file.bytes.length, Number(range[2]) + 1);
    response.writeHead(range === null ? 200 : 206, {
      'content-length': end - start,
      ...(range !== null && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes.length}` }),
    });
    response.end(file.bytes.subarray(start, end));
  }
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return { status, body, headers };
}

function decode(text: string | undefined): string {
  return decodeURIComponent(text ?? '');
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function gitOid(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function tree(commit: HubCommit): JsonObject[] {
  return [...commit.tree].map(([path, file]) => ({
    type: 'file',
    path,
    size: file.bytes.length,
    oid: gitOid(file.bytes),
    ...(file.lfs && { lfs: { oid: sha256(file.bytes), size: file.bytes.length, pointerSize: 134 } }),
  }));
}
