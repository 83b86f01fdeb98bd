import { bytesToHex } from '@noble/hashes/utils.js';
import { LatestMap } from '../../collections/latest-map.js';
import { toQuarryError } from '../../errors/index.js';
import type { DataHost } from '../../hosting/index.js';
import { type Backoff, retry } from '../../net/index.js';
import type { Store } from '../../store/index.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { Journal } from '../journal/journal.js';
import type { Candidate } from '../match/candidate.js';

/** How long data stays hosted after its audit window: a node may report a wrong epoch, and auditors may be late. */
export const HOSTING_GRACE_MS = 3_600_000;
const MOST_URLS = 4_096;
const HOSTING_RETRIES = 6;
const HOSTING_BACKOFF: Backoff = { baseMs: 250, maxMs: 5_000 };

export interface SampleHostingDeps {
  readonly host: DataHost;
  readonly journal: Pick<Journal, 'hostings' | 'together'>;
  readonly store: Pick<Store, 'sample' | 'find'>;
  readonly book: Pick<OpenTargets, 'get'>;
  /** Milliseconds since the Unix epoch. Default `Date.now`. */
  readonly wallClock?: (() => number) | undefined;
}

/** A sample that auditors can download. */
export interface HostedSample {
  readonly bytes: Uint8Array;
  readonly url: string;
  /** BLAKE2b-256 of the bytes, hex. */
  readonly checksum: string;
  /** Journals that it is hosted, within the caller's transaction: the one that journals its submission. */
  readonly record?: (() => void) | undefined;
}

/** Hosts samples from before their submission until their audit window is over. */
export class SampleHosting {
  readonly #deps: SampleHostingDeps;
  /** URLs of recently hosted data, by checksum. Publishing again after eviction only costs time. */
  readonly #urls = new LatestMap<string, string>(MOST_URLS);
  /** Checksums of submissions that may not be journalled yet; these must not be released. */
  readonly #publishing = new Set<string>();

  constructor(deps: SampleHostingDeps) {
    this.#deps = deps;
  }

  /**
   * Publishes a candidate's sample for its submission, which `submit` makes; it is not released meanwhile. Retries
   * transient failures while the target is open.
   *
   * @param submit journals the sample with the submission; if it throws, the sample is journalled all the same, so that it
   *   is released one day
   * @throws QuarryError of the host or of `submit`, or `ABORTED` when the signal fires
   */
  async host<T>(candidate: Candidate, signal: AbortSignal, submit: (sample: HostedSample) => Promise<T>): Promise<T> {
    const { store, journal } = this.#deps;
    const sample = store.sample(candidate.sampleId);
    const checksum = bytesToHex(sample.checksum);
    const { generationEpoch } = candidate.open.target;
    this.#publishing.add(checksum);
    try {
      const url = this.#urls.get(checksum) ?? (await this.#publish(checksum, sample.bytes, candidate, signal));
      this.#urls.set(checksum, url);
      const record = (): void => journal.hostings.record(checksum, url, generationEpoch);
      try {
        return await submit({ bytes: sample.bytes, url, checksum, record });
      } catch (error) {
        // If the journal fails as well, the submission's own error says more.
        await journal.together(record).catch(() => {});
        throw error;
      }
    } finally {
      this.#publishing.delete(checksum);
    }
  }

  /** Stops hosting data whose audit window is over in `epoch` and has been for {@link HOSTING_GRACE_MS}. */
  async release(epoch: bigint, signal: AbortSignal): Promise<void> {
    const { journal, host, wallClock = Date.now } = this.#deps;
    journal.hostings.noteOver(epoch, wallClock());
    const before = wallClock() - HOSTING_GRACE_MS;
    for (const checksum of journal.hostings.toRelease(before)) {
      // A concurrent submission may use the same bytes; then they stay.
      if (signal.aborted) return;
      if (this.#publishing.has(checksum) || !journal.hostings.release(checksum, before)) continue;
      this.#urls.delete(checksum);
      await host.remove(checksum, signal);
    }
  }

  /**
   * After a restart, hosts all data that may still be audited.
   *
   * @param mend tries to remove the cause of a failure; if it succeeds, only this sample is skipped
   */
  async restore(mend: (error: unknown) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { journal, store, host } = this.#deps;
    for (const checksum of journal.hostings.checksums()) {
      const id = store.find(Buffer.from(checksum, 'hex'));
      if (id === undefined) continue;
      try {
        await host.publish(checksum, store.sample(id).bytes, signal);
      } catch (error) {
        if (!(await mend(error))) throw error;
      }
    }
  }

  async #publish(checksum: string, bytes: Uint8Array, { open }: Candidate, signal: AbortSignal): Promise<string> {
    return retry(() => this.#deps.host.publish(checksum, bytes, signal), {
      attempts: HOSTING_RETRIES + 1,
      backoff: HOSTING_BACKOFF,
      isRetryable: (error) =>
        toQuarryError(error, 'hosting').retryable && this.#deps.book.get(open.target.id) !== undefined,
      signal,
    }).catch((error: unknown) => {
      throw toQuarryError(error, 'hosting');
    });
  }
}
