import { headers, type Msg, type Subscription } from '@nats-io/transport-node';
import PQueue from 'p-queue';
import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { childSignal } from '../../net/index.js';
import { type MatchHit, type MatchPolicy, modelKeyId, type Store, type StoredScore } from '../../store/index.js';
import type { FleetConnection } from '../connection.js';
import { listen } from '../listen.js';
import type { KeptRows } from './kept-rows.js';
import { RowComposer } from './row-composer.js';
import { beatSubject, bytesSubject, encodeBeat, scanSubject } from './row-subjects.js';
import { decodeRequest, encodeDone, encodeHit, type ScanRequest } from './scan-wire.js';

/** Hits returned per target: the coordinator may refuse some. */
const BEST = 3;
/** Queued requests. The oldest are dropped first: their targets are most likely filled. */
const MOST_WAITING = 64;
const BEAT_MS = 1_000;
/** Searches of new rows compose again only once the store has grown by this factor. */
const GROWTH = 1.1;

export interface RowAnswersDeps {
  readonly fleet: FleetConnection;
  readonly rows: KeptRows;
}

type Targets = ScanRequest['targets'];

/** Answers scans of a scorer's rows and requests for the bytes of hits. */
export class RowAnswers {
  readonly #options: { readonly scorer: string; readonly onWarning: (error: QuarryError) => void };
  readonly #deps: RowAnswersDeps;
  readonly #composer: RowComposer;
  /** A single scan uses the whole machine. */
  readonly #scans = new PQueue({ concurrency: 1 });
  readonly #waiting: { readonly message: Msg; readonly receivedAt: number }[] = [];
  readonly #subscriptions: readonly Subscription[];
  readonly #beat: NodeJS.Timeout;
  readonly #stop = new AbortController();
  #composedAt = 0;

  constructor(
    options: { readonly scorer: string; readonly onWarning: (error: QuarryError) => void },
    deps: RowAnswersDeps,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#composer = new RowComposer(deps.rows);
    const { nc, prefix } = deps.fleet;
    this.#subscriptions = [
      listen(nc, scanSubject(prefix), (message) => this.#queue(message)),
      listen(nc, bytesSubject(prefix, options.scorer), (message) => void this.#giveBytes(message)),
    ];
    this.#beat = setInterval(() => this.#tell(), BEAT_MS);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#beat);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#scans.onIdle();
    await this.#composer.close();
  }

  /** Publishes the heartbeat. */
  #tell(): void {
    const { fleet, rows } = this.#deps;
    if (fleet.nc.isClosed()) return;
    const { scorer } = this.#options;
    fleet.nc.publish(
      beatSubject(fleet.prefix),
      encodeBeat({ scorer, rows: rows.count, mark: rows.recent.mark, busy: rows.busy }),
    );
  }

  #queue(message: Msg): void {
    this.#waiting.push({ message, receivedAt: performance.now() });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    void this.#scans.add(() => this.#answerNext());
  }

  async #answerNext(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined || this.#stop.signal.aborted) return;
    const { scorer, onWarning } = this.#options;
    const { message, receivedAt } = next;
    const deadline = new AbortController();
    const link = childSignal(this.#stop.signal, deadline.signal);
    const { signal } = link;
    let late: NodeJS.Timeout | undefined;
    try {
      const request = decodeRequest(message.data);
      const left = Math.ceil(request.waitMs - (performance.now() - receivedAt));
      // The coordinator no longer waits for this answer.
      if (left <= 0) return;
      late = setTimeout(() => deadline.abort(), left);
      const { mark } = this.#deps.rows.recent;
      const store = await this.#deps.rows.store();
      if (store !== undefined) await this.#search(store, request, message, signal);
      if (!signal.aborted) message.respond(encodeDone({ scorer, done: true, seen: mark }));
    } catch (error) {
      // A scan stopped by its deadline is late, not an error; the coordinator counts those.
      if (!signal.aborted) onWarning(toQuarryError(error, 'searching kept rows'));
    } finally {
      clearTimeout(late);
      link.close();
    }
  }

  async #search(store: Store, request: ScanRequest, message: Msg, signal: AbortSignal): Promise<void> {
    const seen = request.seen?.[this.#options.scorer];
    const fresh = seen === undefined ? undefined : this.#deps.rows.recent.since(seen);
    const isWhole = fresh === undefined;
    const targets = request.targets.filter(({ embedding }) => embedding.length === store.embeddingDim);
    const policy = this.#policy(store, request, signal);
    const hits = isWhole ? await store.match(targets, policy) : await store.matchSamples(fresh, targets, policy);
    const byId = new Map(targets.map((target) => [target.id, target]));
    for (const hit of hits) {
      const target = byId.get(hit.targetId);
      if (target !== undefined) this.#giveHit(store, target, hit, message);
    }
    if (request.maxParts < 2 || !(isWhole || store.sampleCount >= GROWTH * this.#composedAt)) return;
    this.#composedAt = store.sampleCount;
    const hit = new Set(hits.map(({ targetId }) => targetId));
    const missed = targets.filter(({ id }) => !hit.has(id));
    for (const group of byModels(missed)) await this.#giveJoined(store, group, request, message, signal);
  }

  #policy(store: Store, request: ScanRequest, signal: AbortSignal): MatchPolicy {
    const { pick, margin, f32Bound, lowBound } = request;
    const low = Math.max(this.#deps.rows.lowBound, lowBound ?? Number.POSITIVE_INFINITY);
    const excluded = new Map(
      request.targets.map(({ id, exclude }) => {
        const ids = exclude.flatMap((checksum) => store.find(Buffer.from(checksum, 'hex')) ?? []);
        return [id, new Set(ids)];
      }),
    );
    return {
      pick,
      margin,
      limit: BEST,
      lossErrorBound: { f32: f32Bound, low },
      nearTies: 'defer',
      exclude: (targetId) => excluded.get(targetId),
      signal,
    };
  }

  #giveHit(
    store: Store,
    { models }: Targets[number],
    { sampleId, targetId, distance, sizeBytes }: MatchHit,
    to: Msg,
  ): void {
    const checksum = store.checksum(sampleId);
    const scores: StoredScore[] = models
      .map((model) => store.score(sampleId, model))
      .filter((score) => score !== undefined);
    // Some row is damaged. It will be scored again; until then the sample cannot be offered.
    if (checksum === undefined || scores.length < models.length) return;
    const { scorer } = this.#options;
    const hex = Buffer.from(checksum).toString('hex');
    to.respond(encodeHit({ scorer, targetId, checksum: hex, sizeBytes, distance, composed: false, scores }));
  }

  async #giveJoined(store: Store, group: Targets, request: ScanRequest, to: Msg, signal: AbortSignal): Promise<void> {
    const { scorer } = this.#options;
    for await (const { target, checksum, bytes, composition } of this.#composer.compose(
      store,
      group,
      request,
      signal,
    )) {
      const hex = Buffer.from(checksum).toString('hex');
      if (group.some(({ id, exclude }) => id === target.id && exclude.includes(hex))) continue;
      const scores = composition.scores.map((score) => ({ ...score, precision: 'f32' as const }));
      const { distance } = composition;
      const sizeBytes = bytes.length;
      to.respond(
        encodeHit({ scorer, targetId: target.id, checksum: hex, sizeBytes, distance, composed: true, scores }),
      );
    }
  }

  async #giveBytes(message: Msg): Promise<void> {
    try {
      const hex = message.string();
      const store = await this.#deps.rows.store();
      const joined = this.#composer.bytes(hex);
      const id = /^[0-9a-f]{64}$/.test(hex) ? store?.find(Buffer.from(hex, 'hex')) : undefined;
      const bytes = joined ?? (id === undefined ? undefined : store?.sample(id).bytes);
      const found = headers();
      found.set('quarry-found', bytes === undefined ? 'no' : 'yes');
      message.respond(bytes ?? new Uint8Array(), { headers: found });
    } catch (error) {
      this.#options.onWarning(toQuarryError(error, 'reading a kept sample'));
    }
  }
}

function byModels(targets: Targets): Targets[] {
  const groups = new Map<string, Targets[number][]>();
  for (const target of targets) {
    const name = target.models.map(modelKeyId).join(' ');
    groups.set(name, [...(groups.get(name) ?? []), target]);
  }
  return [...groups.values()];
}
