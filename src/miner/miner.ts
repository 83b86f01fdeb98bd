import { EventEmitter, setMaxListeners } from 'node:events';
import { isAbort, QuarryError, toQuarryError } from '../errors/index.js';
import { backoffDelayMs, sleep } from '../http/index.js';
import type { SystemState } from '../soma/client/decode/system-state.js';
import type { Target } from '../soma/client/decode/target.js';
import { warmUpSubmitPath } from '../soma/client/execute/warm-up-submit-path.js';
import { fits } from './feed/fits.js';
import { OpenTargets } from './feed/open-targets.js';
import { SampleIngest } from './feed/sample-ingest.js';
import { Matcher } from './match/matcher.js';
import { TargetComposer } from './match/target-composer.js';
import type { MinerDeps, MinerOptions } from './miner-options.js';
import type { MinerEmitter, MinerEvents } from './run/events.js';
import { Notifier } from './run/notifier.js';
import { MinerStats, type MinerSummary } from './run/stats.js';
import { AGAIN, MAX_FAILURES, supervise } from './run/supervise.js';
import { TaskGroup } from './run/task-group.js';
import { ModelCatalogue } from './score/model-catalogue.js';
import { Scorer } from './score/scorer.js';
import { dropStaleScores } from './score/stale-scores.js';
import { Claimer } from './submit/claimer.js';
import { settleSubmissions } from './submit/record-outcome.js';
import { type SubmissionLimits, Submitter } from './submit/submitter.js';

/** How long the loops sleep when there is nothing to do; an event wakes them earlier. */
const IDLE_MS = 1_000;
/** Unknown outcomes, and claims that did not go through, are tried again this often. */
const SETTLE_EVERY_MS = 15_000;
/** Samples tried on one target; one that refuses so many is left to others. */
const MAX_REFUSALS = 3;
/** Different complaints about a node's targets that are remembered. */
const MAX_COMPLAINTS = 1_000;
/** How long the end of a run waits for answers; what is still open then is settled by the next run. */
const DRAIN_MS = 60_000;

/**
 * Mines: follows the network's targets, scores samples under its models, submits what fits, claims what is due. Tells
 * its owner by events; prints nothing, reads no environment, never exits the process.
 */
export class Miner {
  readonly events: MinerEmitter = new EventEmitter<MinerEvents>();
  readonly #options: MinerOptions;
  readonly #deps: MinerDeps;
  readonly #now: () => number;
  readonly #stats: MinerStats;
  readonly #book = new OpenTargets();
  readonly #models: ModelCatalogue;
  readonly #intake: SampleIngest;
  readonly #scorer: Scorer;
  readonly #matcher: Matcher;
  readonly #submitter: Submitter;
  readonly #claimer: Claimer;
  readonly #stop = new AbortController();
  #state: SystemState | undefined;
  #paused = false;
  /** Whether the start went well: from then on nothing that a node says ends the miner. */
  #started = false;
  readonly #wake = new Notifier();
  readonly #background = new TaskGroup((error) => this.#failed(error));
  /** Models whose weights are on their way. */
  readonly #loading = new Set<string>();
  /** What was said about targets of this epoch that were left out. */
  readonly #complaints = new Set<string>();
  #claiming = false;
  #claimsMissed = false;
  /** Whether the coins were read: before that, none is not zero. */
  #balanceKnown = false;

  constructor(options: MinerOptions, deps: MinerDeps) {
    this.#options = options;
    this.#deps = deps;
    // Everything in flight listens to the one signal that ends it; many listeners are no leak here.
    setMaxListeners(0, this.#stop.signal);
    this.#now = deps.now ?? (() => performance.now());
    this.#stats = new MinerStats(this.#now);
    const { store, engine, weights, client, account, journal, host } = deps;
    const [emitter, book, stats, now] = [this.events, this.#book, this.#stats, this.#now];
    const maxInFlight = options.maxInFlight ?? 8;
    const proxies = client.modelProxies.bind(client);
    this.#models = new ModelCatalogue({ config: options.config, proxies }, { engine, weights, emitter, now });
    const models = this.#models;
    this.#intake = new SampleIngest(deps.samples, store, deps.onUnit);
    this.#scorer = new Scorer({ batchSize: options.batchSize ?? 16 }, { store, intake: this.#intake, models, book });
    const { policy = 'first', margin = 0 } = options;
    const { maxBondShannons, minRewardShannons, minBalanceShannons, dryRun = false, claimExpired = false } = options;
    this.#submitter = new Submitter(
      { maxInFlight, maxAccepted: options.maxAccepted, maxBondShannons, minRewardShannons, minBalanceShannons, dryRun },
      {
        account,
        journal,
        host,
        store,
        book,
        stats,
        emitter,
        now,
        limits: () => this.#limits(),
        onRoom: () => this.#matchAgain(),
      },
    );
    const background = (work: Promise<void>): void =>
      this.#background.run(
        'matching',
        work.finally(() => this.#wake.now()),
      );
    const submitter = this.#submitter;
    const composer = new TargetComposer(
      { margin, fewest: policy === 'cheapest', shape: options.config },
      { store, models, book, maxBytes: () => submitter.affordableBytes },
    );
    this.#matcher = new Matcher(
      { policy, margin },
      { store, models, book, composer, submitter, stats, emitter, now, background },
    );
    // A target that refused one sample may take another.
    emitter.on('outcome', ({ targetId, outcome }) => {
      const refusals = book.excluded(targetId)?.size ?? 0;
      if (outcome.kind !== 'rejected' || refusals > MAX_REFUSALS || this.#stop.signal.aborted) return;
      this.#matcher.answer(targetId, this.#stop.signal);
    });
    this.#claimer = new Claimer(
      { claimExpired, maxInFlight },
      { client, account, journal, stats, emitter, submissionsDone: () => this.#submitter.idle() },
    );
  }

  /** What happened since the miner was made. */
  summary(): MinerSummary {
    const { account } = this.#deps;
    const { totalShannons } = account.pool.state;
    return this.#stats.summary({
      openTargets: this.#book.size,
      epoch: this.#state?.epoch,
      paused: this.#paused,
      balanceShannons: this.#balanceKnown || totalShannons > 0n ? totalShannons : undefined,
      accountFeesShannons: account.feesShannons,
    });
  }

  /** Stops scoring and submitting; targets are still followed. */
  pause(reason = 'asked to'): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#submitter.pause();
    this.#matcher.pause();
    this.events.emit('paused', { reason });
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#submitter.resume();
    this.#matcher.resume();
    this.events.emit('resumed');
    this.#wake.now();
  }

  /** Ends `run` as its signal does. */
  stop(): void {
    this.#stop.abort();
    this.#wake.now();
  }

  /**
   * Mines until the signal fires, `stop` is called or an `until…` option is met; then lets what is in flight finish.
   *
   * @throws QuarryError when the network cannot be reached at the start, or a loop fails for good
   */
  async run({ signal }: { readonly signal?: AbortSignal } = {}): Promise<MinerSummary> {
    signal?.addEventListener('abort', () => this.stop(), { once: true });
    if (signal?.aborted) this.stop();
    const stop = this.#stop.signal;
    try {
      await this.#persist('starting', stop, async () => {
        await this.#settle(stop);
        await this.#refresh(stop);
        await this.#start(stop);
      });
      this.#started = true;
      const loops = [this.#follow(stop), this.#mine(stop), this.#settleLoop(stop)];
      // The first loop that ends, by its condition or by an error, ends the others.
      await Promise.race(loops).finally(() => this.stop());
      await Promise.allSettled(loops);
    } catch (error) {
      if (!isAbort(error)) throw error;
    } finally {
      this.stop();
      this.#submitter.resume();
      await this.#submitter.drain(DRAIN_MS);
      await this.#background.settled();
      this.#intake.close();
      await this.#models.close();
    }
    return this.summary();
  }

  /** Claims everything that is due now, without mining. */
  async claim({ signal }: { readonly signal?: AbortSignal } = {}): Promise<MinerSummary> {
    const control = signal ?? new AbortController().signal;
    await this.#settle(control);
    const { epoch } = await this.#refresh(control);
    await this.#claimer.claimDue(epoch, control);
    return this.summary();
  }

  /** Opens what the node lists. A list that breaks off is only a late one: the feed reads it again. */
  async #openListed(signal: AbortSignal): Promise<void> {
    let listed = 0;
    try {
      for await (const target of this.#deps.client.listAllTargets({ status: 'open', signal, onUnfit: this.#warn })) {
        listed++;
        this.#open(target);
      }
    } catch (error) {
      if (isAbort(error) || listed === 0) throw error;
      this.#warn(toQuarryError(error, 'listing open targets'));
    }
  }

  async #start(signal: AbortSignal): Promise<void> {
    await this.#openListed(signal);
    await this.#deps.account.pool.ready(signal);
    this.#balanceKnown = true;
    this.#background.run('hosting again what may be audited', this.#rehost(signal));
    if (!this.#options.dryRun) {
      const { embeddingDim } = this.#options.config;
      this.#background.run('rehearsing a submission', warmUpSubmitPath(embeddingDim, signal));
    }
    this.events.emit('started', {
      address: this.#deps.account.address,
      epoch: this.#state?.epoch ?? 0n,
      openTargets: this.#book.size,
      models: this.#models.active.length,
    });
    this.#claim(signal);
  }

  /** Claims what is due without holding anybody up; what fails is tried again by the settling loop. */
  #claim(signal: AbortSignal): void {
    this.#claimsMissed = this.#claiming;
    if (this.#claiming || this.#options.dryRun) return;
    this.#claiming = true;
    const work = async (): Promise<void> => {
      try {
        await this.#claimer.claimDue(this.#state?.epoch ?? 0n, signal);
      } catch (error) {
        this.#claimsMissed = true;
        throw error;
      } finally {
        this.#claiming = false;
      }
    };
    this.#background.run('claiming', work());
  }

  /** Data of submissions that may still be audited is offered again after a restart. */
  async #rehost(signal: AbortSignal): Promise<void> {
    const { journal, store, host } = this.#deps;
    for (const checksum of journal.hostedChecksums()) {
      const id = store.find(Buffer.from(checksum, 'hex'));
      if (id === undefined) continue;
      try {
        await host.publish(checksum, store.sample(id).bytes, signal);
      } catch (error) {
        if (!(await this.#leaveOutDamaged(toQuarryError(error, 'hosting again')))) throw error;
      }
    }
  }

  /** Reads the chain's shared state: parameters and models. */
  async #refresh(signal: AbortSignal): Promise<SystemState> {
    const state = await this.#deps.client.getSystemState({ signal });
    this.#state = state;
    const dim = Number(state.parameters.targetEmbeddingDim);
    if (dim !== this.#options.config.embeddingDim) {
      throw new QuarryError(
        'CONFIG_INVALID',
        `the network's embeddings have ${dim} values, the models' shape says ${this.#options.config.embeddingDim}`,
        {
          hint: 'choose the matching --model-config',
        },
      );
    }
    for (const error of state.unreadableModels) this.#warn(error);
    await this.#models.update(state.models.values());
    return state;
  }

  #limits(): SubmissionLimits {
    const parameters = this.#state?.parameters;
    return {
      bondPerByte: parameters?.submissionBondPerByte ?? 0n,
      maxBytes: Number(parameters?.maxSubmissionDataSize ?? 0n),
      rewardShareBps: parameters?.targetSubmitterRewardShareBps ?? 0n,
    };
  }

  /** A node repeats what it says at every look: each complaint is told once an epoch. */
  readonly #warn = (error: QuarryError): void => {
    if (this.#complaints.has(error.message)) return;
    if (this.#complaints.size < MAX_COMPLAINTS) this.#complaints.add(error.message);
    this.events.emit('warning', { error });
  };

  #open(target: Target): boolean {
    if (!fits(target, this.#options.config.embeddingDim)) {
      this.#warn(new QuarryError('PROTOCOL', `target ${target.id} cannot be hit: it is left out`));
      return false;
    }
    if (this.#deps.journal.hasLiveSubmission(target.id)) return false;
    return this.#book.add(target, this.#now());
  }

  /** Follows the network: targets as they open, fill and expire, and what an epoch changes. */
  async #follow(signal: AbortSignal): Promise<void> {
    await this.#persist('following targets', signal, async (succeeded) => {
      // What the node lists at the start; `undefined` once it has told everything.
      let listed: Set<string> | undefined = new Set();
      for await (const event of this.#deps.client.watchTargets({ signal, onUnfit: this.#warn })) {
        switch (event.type) {
          case 'opened':
            listed?.add(event.target.id);
            if (this.#open(event.target)) this.#matcher.answer(event.target.id, signal);
            break;
          case 'synced':
            // What was filled while nobody watched is told to nobody.
            if (listed !== undefined) this.#book.keepOnly(listed);
            listed = undefined;
            succeeded();
            break;
          case 'filled':
          case 'expired':
            this.#book.remove(event.targetId);
            break;
          case 'epoch':
            if (event.epoch !== this.#state?.epoch) await this.#changeEpoch(event.epoch, signal);
            break;
          default:
            break;
        }
      }
    });
  }

  /** Does something until the signal fires, again after failures that may pass. */
  #persist(doing: string, signal: AbortSignal, body: (succeeded: () => void) => Promise<void>): Promise<void> {
    const onFailure = (error: QuarryError): boolean => this.events.emit('warning', { error });
    const mend = (error: QuarryError): Promise<boolean> => this.#leaveOutDamaged(error);
    return supervise(doing, body, { onFailure, mend, outlivesNodes: this.#started }, signal);
  }

  async #failed(error: QuarryError): Promise<void> {
    if (!(await this.#leaveOutDamaged(error))) this.events.emit('warning', { error });
  }

  /** A sample that is damaged on disk is taken out of the store for good; the others are as good as before. */
  async #leaveOutDamaged(error: QuarryError): Promise<boolean> {
    const { sampleId } = error.details;
    if (error.code !== 'STORE_CORRUPT' || typeof sampleId !== 'number') return false;
    await this.#deps.store.tombstone([sampleId]);
    this.events.emit('warning', { error });
    // Targets that it answered may have another answer.
    this.#matchAgain();
    return true;
  }

  #matchAgain(): void {
    this.#matcher.askAgain();
    this.#wake.now();
  }

  async #changeEpoch(epoch: bigint, signal: AbortSignal): Promise<void> {
    this.#complaints.clear();
    this.#book.expireBefore(epoch);
    // A node that lags may answer with the state of the epoch before, and nobody would ask again until the next.
    for (let attempt = 0; (await this.#refresh(signal)).epoch < epoch && attempt < MAX_FAILURES; attempt++) {
      await sleep(backoffDelayMs(attempt, AGAIN, Math.random), signal);
    }
    this.events.emit('epoch', { epoch, openTargets: this.#book.size });
    this.#wake.now();
    this.#claim(signal);
    this.#background.run('tidying up after the epoch', this.#tidy(epoch, signal));
  }

  /** Lets go of what an epoch's end makes useless: hosted data that was audited, weights of models that are gone. */
  async #tidy(epoch: bigint, signal: AbortSignal): Promise<void> {
    await this.#submitter.release(epoch, signal);
    const active = this.#models.active;
    await this.#deps.weights.prune(active.map((model) => model.manifest));
    await this.#deps.onActiveWeights?.(new Set(active.map((model) => model.key.checksum)));
    const keys = active.map((model) => model.key);
    await dropStaleScores(this.#deps, keys, epoch, this.#options.keepScoresEpochs ?? 2);
  }

  /** Loads models and scores samples as long as there is something to score. */
  async #mine(signal: AbortSignal): Promise<void> {
    await this.#persist('mining', signal, async (succeeded) => {
      while (!signal.aborted && !this.#done()) {
        if (await this.#round(signal)) continue;
        succeeded();
        const { ended } = this.#intake;
        const idle = this.#submitter.pending === 0 && this.#loading.size === 0 && !this.#matcher.busy;
        if (this.#options.untilIdle && ended && idle && !this.#paused) return;
        await this.#idle(signal);
      }
    });
    await this.#submitter.idle();
  }

  /** One step of mining; returns whether there was anything to do. */
  async #round(signal: AbortSignal): Promise<boolean> {
    if (this.#paused) return false;
    this.#loadModels(signal);
    await this.#matcher.answerAll(signal);
    const { ids, fresh } = await this.#scorer.round(signal);
    await this.#matcher.composeForAll(ids.length === 0, signal);
    if (ids.length === 0) return false;
    this.#stats.scored.add(fresh);
    this.#stats.samples.add(this.#intake.taken - this.#stats.samples.total);
    this.events.emit('scored', { samples: fresh, total: this.#stats.scored.total });
    await this.#matcher.answerWith(ids, signal);
    return true;
  }

  /** Fetches and loads models in the background, those that most open targets name first. */
  #loadModels(signal: AbortSignal): void {
    const demand = this.#book.demand();
    const due = this.#models.active
      .filter((model) => !this.#loading.has(model.id) && this.#models.isDue(model))
      .sort((a, b) => (demand.get(b.id) ?? 0) - (demand.get(a.id) ?? 0));
    for (const model of due) {
      this.#loading.add(model.id);
      const work = async (): Promise<void> => {
        try {
          // A model that comes up may already have scores of an earlier run.
          if ((await this.#models.load(model, signal)) !== undefined) this.#matcher.askAgain();
        } finally {
          this.#loading.delete(model.id);
          this.#wake.now();
        }
      };
      this.#background.run(`loading model ${model.id}`, work());
    }
  }

  #done(): boolean {
    const { maxAccepted, untilSamples, dryRun } = this.#options;
    const won = dryRun ? this.#stats.hits : this.#stats.outcomes.accepted;
    if (maxAccepted !== undefined && won >= maxAccepted) return true;
    return untilSamples !== undefined && this.#stats.scored.total >= untilSamples;
  }

  async #settleLoop(signal: AbortSignal): Promise<void> {
    let dueAt = this.#now() + SETTLE_EVERY_MS;
    while (!signal.aborted) {
      await this.#idle(signal);
      if (this.#now() < dueAt) continue;
      dueAt = this.#now() + SETTLE_EVERY_MS;
      await this.#persist('settling', signal, () => this.#settle(signal));
      const refunded = await this.#submitter.refunded(signal);
      if (this.#book.takeReleased() || refunded) this.#matcher.askAgain();
      const isDue = this.#deps.journal.hasClaimsDue(this.#state?.epoch ?? 0n);
      if (this.#claimsMissed || isDue) this.#claim(signal);
    }
  }

  /** Asks what became of submissions of this or an earlier run whose answer never came. */
  async #settle(signal: AbortSignal): Promise<void> {
    if (this.#options.dryRun) return;
    await settleSubmissions(
      this.#deps,
      this.#submitter.inFlight,
      ({ targetId, digest }, outcome) => this.#submitter.settled(targetId, digest, outcome),
      signal,
    );
  }

  /** Sleeps until something happens, at most a second. */
  async #idle(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await this.#wake.sleep(IDLE_MS);
  }
}
