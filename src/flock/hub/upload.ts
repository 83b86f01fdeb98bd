import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { QuarryError, throwIfAborted } from '../../errors/index.js';
import { type Sleep, sleep } from '../../net/index.js';
import { FlockError } from '../errors.js';
import { parseRepoId } from '../identifiers.js';
import type { CallOptions } from '../transport.js';
import { HubApi, type HubModel, type HubOptions, hubFailure } from './hub-api.js';
import { createHubFetch } from './hub-fetch.js';
import { type LocalFile, type ScanOptions, scanFolder } from './upload-folder-scan.js';

/** A model folder to upload. */
export interface UploadOptions extends HubOptions, ScanOptions {
  /** `owner/name`; a bare name goes into the token's namespace. */
  readonly repo: string;
  /** Default `outputs`. */
  readonly dir?: string | undefined;
  /** Fail if the repository exists, as flocky does. Default false: adds a commit. */
  readonly requireNew?: boolean | undefined;
  /** Visibility of a newly created repository. Default public, as FLock's validators read without a token. */
  readonly visibility?: 'public' | 'private' | undefined;
  /** Commit title. */
  readonly message?: string | undefined;
  /** Only list what would be uploaded. */
  readonly dryRun?: boolean | undefined;
  /** Use the Hub's chunk-deduplicating transfer if available. Default true. */
  readonly useXet?: boolean | undefined;
  /** Called at every step. */
  readonly onEvent?: ((event: UploadEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Progress of an upload. */
export type UploadEvent =
  | { readonly event: 'scanned'; readonly files: number; readonly bytes: number }
  | { readonly event: 'created'; readonly repo: string }
  | { readonly event: 'comparing' | 'committing' | 'verifying' }
  | { readonly event: 'uploading'; readonly files: number; readonly bytes: number }
  | { readonly event: 'stored'; readonly objects: number };

/** A published model. */
export interface UploadResult {
  readonly repo: string;
  /** Hash of the commit to submit; null after a dry run if the repository does not exist. */
  readonly oid: string | null;
  readonly url: string;
  /** The content was the same, so no commit was made. */
  readonly unchanged: boolean;
  /** The response to the commit was lost, and the commit was found on the branch. */
  readonly reconciled: boolean;
  /** Files of the folder. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** Reasons why validators may be unable to read it. */
  readonly warnings: readonly string[];
}

/** Dependencies of an upload. */
export interface UploadDeps {
  /** Used instead of the global one. */
  readonly fetch?: typeof fetch | undefined;
  readonly sleep?: Sleep | undefined;
  /** Returns numbers in [0, 1) for retry jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds since the Unix epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Same title as flocky's uploads apart from the name. */
const DEFAULT_MESSAGE = 'Upload folder using quarry';
const BRANCH = 'main';

/**
 * Uploads a folder to a model repository in one commit and returns the commit hash. Folder and token are checked before
 * anything is created. Unchanged content makes no commit. After a lost response the branch shows whether the commit
 * succeeded.
 *
 * @throws FlockError `FLOCK_CONFIG` without a token; nothing is sent then
 * @throws FlockError `FLOCK_HUB_CONFLICT` when the repository exists and must be new, or another push came first
 * @throws QuarryError `FILE_NOT_FOUND`, `DATA_EMPTY` or `DATA_INVALID` from the folder, before any request
 */
export async function uploadFolder(options: UploadOptions, deps: UploadDeps = {}): Promise<UploadResult> {
  const token = requireHubToken(options.token);
  const files = await scanFolder(options.dir ?? 'outputs', options);
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  options.onEvent?.({ event: 'scanned', files: files.length, bytes });
  const api = new HubApi(options);
  try {
    return await new Upload(token, files, bytes, api, options, deps).run();
  } catch (error) {
    throw error instanceof QuarryError ? error : hubFailure(error, `uploading to ${options.repo}`);
  } finally {
    await api.close();
  }
}

/** State of one upload. */
class Upload {
  readonly #files: readonly LocalFile[];
  readonly #bytes: number;
  readonly #api: HubApi;
  readonly #options: UploadOptions;
  readonly #sleep: Sleep;
  readonly #call: CallOptions;
  /** Arguments of every call to the Hub's library. */
  readonly #common: { readonly accessToken: string; readonly hubUrl: string; readonly fetch: typeof fetch };
  #repo = '';
  #stored = 0;
  #commitSent = false;

  constructor(
    token: string,
    files: readonly LocalFile[],
    bytes: number,
    api: HubApi,
    options: UploadOptions,
    deps: UploadDeps,
  ) {
    this.#files = files;
    this.#bytes = bytes;
    this.#api = api;
    this.#options = options;
    this.#sleep = deps.sleep ?? sleep;
    this.#call = { signal: options.signal };
    const hubFetch = createHubFetch(
      {
        onCommitSent: () => {
          this.#commitSent = true;
          options.onEvent?.({ event: 'committing' });
        },
        onStored: () => options.onEvent?.({ event: 'stored', objects: ++this.#stored }),
      },
      {
        fetch: deps.fetch ?? fetch,
        sleep: this.#sleep,
        random: deps.random ?? Math.random,
        now: deps.now ?? Date.now,
        signal: options.signal,
      },
    );
    this.#common = { accessToken: token, hubUrl: api.hubUrl, fetch: hubFetch };
  }

  async run(): Promise<UploadResult> {
    const { repo, requireNew, dryRun, onEvent } = this.#options;
    const hub = await import('@huggingface/hub');
    const name = repo.includes('/') ? repo : `${(await hub.whoAmI(this.#common)).name}/${repo}`;
    this.#repo = parseRepoId(name);
    let head = await this.#api.model(this.#repo, BRANCH, this.#call);
    if (head !== undefined && requireNew) throw exists(this.#repo);
    if (dryRun) return this.#result(head?.sha ?? null, { unchanged: true });
    if (head === undefined) {
      head = await this.#create();
      onEvent?.({ event: 'created', repo: this.#repo });
    }
    onEvent?.({ event: 'comparing' });
    const changed = await this.#differing(head);
    if (changed.length === 0) {
      return this.#result(head.sha, { unchanged: true, warnings: await this.#verify(head.sha) });
    }
    const bytes = changed.reduce((sum, file) => sum + file.sizeBytes, 0);
    onEvent?.({ event: 'uploading', files: changed.length, bytes });
    return this.#commit(head, changed);
  }

  /** Commits; retries once if the response was lost and the branch shows that nothing was committed. */
  async #commit(head: HubModel, changed: readonly LocalFile[]): Promise<UploadResult> {
    for (let attempt = 1; ; attempt++) {
      this.#commitSent = false;
      try {
        const oid = await this.#send(head, changed);
        return this.#result(oid, { warnings: await this.#verify(oid) });
      } catch (error) {
        throwIfAborted(this.#options.signal, 'the upload');
        const failed = hubFailure(error, `uploading to ${this.#repo}`);
        const { status } = failed;
        const lost = this.#commitSent && (status === undefined || status >= 500 || status === 408);
        // If the retry is refused because the branch moved, our own first commit may have moved it.
        const moved = attempt > 1 && failed.reason === 'FLOCK_HUB_CONFLICT';
        if (!lost && !moved) throw failed;
        const now = await this.#api.model(this.#repo, BRANCH, this.#call);
        if (now !== undefined && now.sha !== head.sha && (await this.#differing(now)).length === 0) {
          return this.#result(now.sha, { reconciled: true, warnings: await this.#verify(now.sha) });
        }
        if (attempt >= 2 || now?.sha !== head.sha) throw failed;
      }
    }
  }

  /** @returns the hash of the commit */
  async #send(head: HubModel, changed: readonly LocalFile[]): Promise<string> {
    const { message = DEFAULT_MESSAGE, useXet = true, signal } = this.#options;
    const hub = await import('@huggingface/hub');
    const done = await hub.uploadFiles({
      ...this.#common,
      repo: { type: 'model', name: this.#repo },
      branch: BRANCH,
      parentCommit: head.sha,
      commitTitle: message,
      files: changed.map((file) => ({ path: file.path, content: pathToFileURL(file.absolute) })),
      useXet,
      ...(signal !== undefined && { abortSignal: signal }),
    });
    const oid = done?.commit.oid;
    if (typeof oid !== 'string') throw new FlockError('FLOCK_HUB', 'the Hub answered the commit without its hash');
    return oid;
  }

  async #create(): Promise<HubModel> {
    const { visibility = 'public', requireNew, signal } = this.#options;
    const name = this.#repo;
    const hub = await import('@huggingface/hub');
    for (let attempt = 1; ; attempt++) {
      try {
        await hub.createRepo({ ...this.#common, repo: { type: 'model', name }, visibility });
      } catch (error) {
        const failed = hubFailure(error, `creating ${name}`);
        if (failed.status !== 409 || requireNew) throw failed.status === 409 ? exists(name) : failed;
        // The repository appeared meanwhile, or the account is busy with another operation: check, and retry once.
      }
      const model = await this.#api.model(name, BRANCH, this.#call);
      if (model !== undefined) return model;
      if (attempt >= 3) {
        throw new FlockError('FLOCK_HUB', `the Hub created ${name} but does not show it`, { code: 'REMOTE_FAILURE' });
      }
      await this.#sleep(1000 * attempt, signal);
    }
  }

  /** Local files that are missing on the branch or differ from it. */
  async #differing(at: HubModel): Promise<LocalFile[]> {
    const repo = { type: 'model', name: this.#repo } as const;
    const hub = await import('@huggingface/hub');
    const remote = new Map<string, { size: number; oid: string; lfs: string | undefined }>();
    for await (const entry of hub.listFiles({ ...this.#common, repo, revision: at.sha, recursive: true })) {
      if (entry.type === 'file')
        remote.set(entry.path, { size: entry.size, oid: entry.oid ?? '', lfs: entry.lfs?.oid });
    }
    const changed: LocalFile[] = [];
    for (const file of this.#files) {
      const known = remote.get(file.path);
      const kind = known?.lfs === undefined ? 'git' : 'sha256';
      const same =
        known !== undefined &&
        known.size === file.sizeBytes &&
        (await hashFile(file, kind, this.#options.signal)) === (known.lfs ?? known.oid);
      if (!same) changed.push(file);
    }
    return changed;
  }

  /** Reads the commit back without a token, as a validator would. */
  async #verify(oid: string): Promise<string[]> {
    this.#options.onEvent?.({ event: 'verifying' });
    const name = this.#repo;
    const anonymous = new HubApi({ hubUrl: this.#api.hubUrl });
    try {
      const seen = await anonymous.model(name, oid, this.#call);
      if (seen === undefined) return [`${name} is not public: validators cannot read it`];
      const missing = this.#files.filter((file) => !seen.files.includes(file.path)).length;
      return [
        ...(seen.sha === oid ? [] : [`the Hub shows commit ${seen.sha} instead of ${oid}`]),
        ...(seen.private ? [`${name} is private: validators cannot read it`] : []),
        ...(seen.gated ? [`${name} is gated: validators cannot read it`] : []),
        ...(missing === 0 ? [] : [`${missing} uploaded files are not listed in the commit`]),
      ];
    } finally {
      await anonymous.close();
    }
  }

  #result(oid: string | null, more: Partial<UploadResult> = {}): UploadResult {
    return {
      repo: this.#repo,
      oid,
      url: `${this.#api.hubUrl}/${this.#repo}${oid === null ? '' : `/commit/${oid}`}`,
      unchanged: false,
      reconciled: false,
      files: this.#files.map((file) => file.path),
      bytes: this.#bytes,
      warnings: [],
      ...more,
    };
  }
}

/**
 * Checks the form of the token.
 *
 * @throws FlockError `FLOCK_CONFIG` when it is missing or does not begin with `hf_`
 */
export function requireHubToken(token: string | undefined): string {
  if (token === undefined || token === '') {
    throw new FlockError('FLOCK_CONFIG', 'this needs a Hugging Face token, but HF_TOKEN is not set', {
      hint: 'Create a token with write access at https://huggingface.co/settings/tokens and set HF_TOKEN.',
    });
  }
  if (!token.startsWith('hf_')) {
    throw new FlockError('FLOCK_CONFIG', 'HF_TOKEN does not look like a Hugging Face token: it must begin with hf_', {
      code: 'CONFIG_INVALID',
      hint: 'Copy the token again from https://huggingface.co/settings/tokens.',
    });
  }
  return token;
}

function exists(repo: string): FlockError {
  return new FlockError('FLOCK_HUB_CONFLICT', `the repository ${repo} already exists`, {
    hint: 'Omit --require-new to add a commit to it, or choose another name.',
  });
}

/** `git`: SHA-1 of `blob <size>\0` and the content, as in Git. */
async function hashFile(file: LocalFile, kind: 'sha256' | 'git', signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash(kind === 'git' ? 'sha1' : 'sha256');
  if (kind === 'git') hash.update(`blob ${file.sizeBytes}\0`);
  for await (const chunk of createReadStream(file.absolute, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
    throwIfAborted(signal, 'comparing files');
    hash.update(chunk);
  }
  return hash.digest('hex');
}
