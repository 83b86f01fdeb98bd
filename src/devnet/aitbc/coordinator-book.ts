import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { JsonObject } from './json.js';

/** Live job states. */
export type JobState = 'QUEUED' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELED' | 'EXPIRED';

/** A job; times are Unix milliseconds. */
export interface JobRecord {
  readonly id: string;
  readonly owner: string;
  readonly payload: JsonObject;
  readonly constraints: JsonObject;
  readonly requestedAt: number;
  readonly expiresAt: number;
  state: JobState;
  minerId: string | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  /** JSON text, which preserves number tokens. */
  resultText: string | undefined;
  error: string | undefined;
  /** Receipt texts, oldest first. */
  readonly receipts: string[];
}

/** A miner; times are Unix milliseconds. */
export interface MinerRecord {
  readonly id: string;
  capabilities: JsonObject;
  concurrency: number;
  region: string | null;
  inflight: number;
  status: string;
  completed: number;
  failed: number;
  totalMs: number;
  readonly since: number;
  lastHeartbeat: number;
}

/** An offer. */
export interface OfferRecord {
  readonly id: string;
  readonly minerId: string;
  readonly body: JsonObject;
  readonly createdAt: number;
  /** Jobs that the offer was accepted for. */
  readonly acceptedFor: Set<string>;
  status: string;
}

/** Events of a {@link CoordinatorBook}. */
export interface BookEvents {
  readonly job: [JobRecord];
  readonly offer: [OfferRecord];
  readonly receipt: [JobRecord, string];
}

/** Creates the receipt of a newly completed job; undefined for no receipt. */
export type ReceiptWriter = (job: JobRecord, result: unknown, metrics: unknown) => string | undefined;

/** Options of a {@link CoordinatorBook}. */
export interface CoordinatorBookOptions {
  /** Prefix of ids of each kind; the deployed servers use none. */
  readonly idPrefix: (kind: 'job' | 'offer') => string;
  readonly writeReceipt: ReceiptWriter;
  /** Whether reporting a failure decrements the miner's `inflight`. One live generation forgets to. */
  readonly releaseOnFail: boolean;
  readonly now: () => number;
}

/** In-memory jobs, miners and offers of a loopback coordinator. */
export class CoordinatorBook {
  readonly jobs = new Map<string, JobRecord>();
  readonly miners = new Map<string, MinerRecord>();
  readonly offers = new Map<string, OfferRecord>();
  readonly events = new EventEmitter<BookEvents>();
  readonly #options: CoordinatorBookOptions;

  constructor(options: CoordinatorBookOptions) {
    this.#options = options;
  }

  get now(): number {
    return this.#options.now();
  }

  createJob(owner: string, payload: JsonObject, constraints: JsonObject = {}, ttlSeconds = 900): JobRecord {
    const job: JobRecord = {
      id: this.#id('job'),
      owner,
      payload,
      constraints,
      requestedAt: this.now,
      expiresAt: this.now + Math.max(1, ttlSeconds) * 1000,
      state: 'QUEUED',
      minerId: undefined,
      startedAt: undefined,
      finishedAt: undefined,
      resultText: undefined,
      error: undefined,
      receipts: [],
    };
    this.jobs.set(job.id, job);
    this.events.emit('job', job);
    return job;
  }

  /** Finds a job of its owner; others cannot see it. Expires jobs lazily, on access. */
  findJob(id: string, owner: string | undefined): JobRecord | undefined {
    const job = this.jobs.get(id);
    if (job === undefined || (owner !== undefined && job.owner !== owner)) return undefined;
    if ((job.state === 'QUEUED' || job.state === 'RUNNING') && this.now > job.expiresAt) this.#move(job, 'EXPIRED');
    return job;
  }

  /** Returns false if the job has already ended. */
  cancel(job: JobRecord): boolean {
    if (job.state !== 'QUEUED' && job.state !== 'RUNNING') return false;
    this.#move(job, 'CANCELED');
    return true;
  }

  registerMiner(id: string, capabilities: JsonObject, concurrency: number, region: string | null): MinerRecord {
    const known = this.miners.get(id);
    const miner: MinerRecord = {
      completed: 0,
      failed: 0,
      totalMs: 0,
      since: this.now,
      ...known,
      id,
      capabilities,
      concurrency,
      region,
      inflight: 0,
      status: 'ONLINE',
      lastHeartbeat: this.now,
    };
    this.miners.set(id, miner);
    return miner;
  }

  /** Assigns the oldest queued job that the miner can take, and marks it as running. */
  assign(miner: MinerRecord): JobRecord | undefined {
    if (miner.inflight >= miner.concurrency) return undefined;
    for (const id of this.jobs.keys()) {
      const job = this.findJob(id, undefined);
      if (job?.state !== 'QUEUED' || !matches(job.constraints, miner)) continue;
      job.minerId = miner.id;
      job.startedAt = this.now;
      miner.inflight++;
      this.#move(job, 'RUNNING');
      return job;
    }
    return undefined;
  }

  /** Accepts a result in any state of the job, like the deployed servers. Returns the receipt's text. */
  complete(job: JobRecord, submission: JsonObject, resultText: string): string | undefined {
    job.resultText = resultText;
    job.finishedAt = this.now;
    this.#credit(job, 'completed');
    const receipt = this.#options.writeReceipt(job, submission['result'] ?? {}, submission['metrics'] ?? {});
    if (receipt !== undefined) job.receipts.push(receipt);
    this.#move(job, 'COMPLETED');
    if (receipt !== undefined) this.events.emit('receipt', job, receipt);
    return receipt;
  }

  fail(job: JobRecord, error: string): void {
    job.error = error;
    job.finishedAt = this.now;
    this.#credit(job, 'failed');
    this.#move(job, 'FAILED');
  }

  createOffer(minerId: string, body: JsonObject, status: string): OfferRecord {
    const offer: OfferRecord = {
      id: this.#id('offer'),
      minerId,
      body,
      createdAt: this.now,
      acceptedFor: new Set<string>(),
      status,
    };
    this.offers.set(offer.id, offer);
    this.events.emit('offer', offer);
    return offer;
  }

  #credit(job: JobRecord, outcome: 'completed' | 'failed'): void {
    const miner = job.minerId === undefined ? undefined : this.miners.get(job.minerId);
    if (miner === undefined) return;
    if (outcome === 'completed' || this.#options.releaseOnFail) miner.inflight = Math.max(0, miner.inflight - 1);
    miner[outcome]++;
    miner.totalMs += this.now - (job.startedAt ?? this.now);
  }

  #move(job: JobRecord, state: JobState): void {
    job.state = state;
    this.events.emit('job', job);
  }

  #id(kind: 'job' | 'offer'): string {
    return this.#options.idPrefix(kind) + randomBytes(16).toString('hex');
  }
}

/** Whether a miner meets a job's constraints, by the rules of the deployed scheduler. */
function matches(constraints: JsonObject, miner: MinerRecord): boolean {
  const { gpu, cuda, min_vram_gb: vram, models, region, max_price: maxPrice } = constraints;
  const { capabilities } = miner;
  const gpus = Array.isArray(capabilities['gpus']) ? (capabilities['gpus'] as JsonObject[]) : [];
  const offered = Array.isArray(capabilities['models']) ? capabilities['models'] : [];
  if (typeof region === 'string' && region !== miner.region) return false;
  if (typeof gpu === 'string' && !gpus.some((entry) => entry['name'] === gpu)) return false;
  if (typeof vram === 'number' && !gpus.some((entry) => Number(entry['memory_mb'] ?? 0) >= vram * 1024)) return false;
  if (typeof cuda === 'string' && !String(capabilities['cuda'] ?? '').includes(cuda)) return false;
  if (Array.isArray(models) && !models.every((model) => offered.includes(model))) return false;
  if (maxPrice !== undefined && maxPrice !== null) {
    return capabilities['price'] !== undefined && Number(capabilities['price']) <= Number(maxPrice);
  }
  return true;
}
