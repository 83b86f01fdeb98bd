import { type QuarryError, toQuarryError } from '../errors/index.js';
import type { ModelKey } from '../store/index.js';
import { OpenTargets } from './feed/open-targets.js';
import { SampleIngest } from './feed/sample-ingest.js';
import { TargetFollower } from './feed/target-follower.js';
import { Matcher } from './match/matcher.js';
import { TargetComposer } from './match/target-composer.js';
import { DEFAULT_IN_FLIGHT, type MinerDeps, type MinerOptions } from './miner-options.js';
import { ChainState } from './run/chain-state.js';
import { Complaints } from './run/complaints.js';
import { leaveOutDamaged } from './run/damaged-samples.js';
import { isLastingDiskFailure } from './run/disk-failure.js';
import { EpochChange } from './run/epoch-change.js';
import type { MinerEmitter } from './run/events.js';
import { MiningLoop } from './run/mining-loop.js';
import { NodeWatch } from './run/node-watch.js';
import { Notifier } from './run/notifier.js';
import { Reach } from './run/reach.js';
import { RunFailure } from './run/run-failure.js';
import { SettlementLoop } from './run/settlement-loop.js';
import { MinerStats } from './run/stats.js';
import { TaskGroup } from './run/task-group.js';
import { ModelCatalogue, type ModelCatalogueDeps } from './score/model-catalogue.js';
import { ModelLoader } from './score/model-loader.js';
import { Scorer } from './score/scorer.js';
import { TargetSearcher } from './search/target-searcher.js';
import { SharedRows } from './share/shared-rows.js';
import { ClaimPace } from './submit/claim-pace.js';
import { ClaimSchedule } from './submit/claim-schedule.js';
import type { ClaimOutcome } from './submit/claim-target.js';
import { Claimer } from './submit/claimer.js';
import { HitConfirmation } from './submit/hit-confirmation.js';
import { reportClaim } from './submit/report-claim.js';
import { SampleHosting } from './submit/sample-hosting.js';
import { SpendingGuard } from './submit/spending-guard.js';
import { Submitter, type SubmitterDeps } from './submit/submitter.js';

/** Refused samples after which a target is no longer retried. */
const MAX_REFUSALS = 3;

/** 0.001 SOMA, the bond for about a hundred chunks. */
const CONFIRM_ABOVE_SHANNONS = 1_000_000n;

/**
 * How long an epoch must last before data is deleted for it, if its start was not seen right after the previous epoch.
 */
const EPOCH_CONFIRMATION_MS = 60_000;
/** Delay of claims and cleanup at the start of an epoch: the targets that open with it are filled within a second. */
const TARGETS_FIRST_MS = 1_000;

/** The wired parts of a miner, for its life cycle. */
export type MinerParts = ReturnType<typeof createMinerParts>;
type Common = ReturnType<typeof createCommon>;
type Submitting = ReturnType<typeof createSubmitting>;

/**
 * Wires the parts of a miner.
 *
 * @param paused whether the miner is paused
 */
export function createMinerParts(options: MinerOptions, deps: MinerDeps, emitter: MinerEmitter, paused: () => boolean) {
  const { maxAccepted, untilSamples, untilIdle, keepScoresEpochs = 2, batchSize = 16, dryRun = false } = options;
  const matchAgain = (): void => {
    matcher.askAgain();
    common.wake.now();
  };
  const onWithdrawn = (model: ModelKey, checksums: readonly Uint8Array[]): void =>
    common.background.run(
      'dropping scores',
      scorer.withdraw(model, checksums).finally(() => common.wake.now()),
    );
  const common = createCommon(options, deps, emitter, { matchAgain, onWithdrawn });
  const { background, book, chain, client, journal, models, store, wake } = common;
  // A target that rejected one sample may accept another.
  const onRejected = (targetId: string, signal: AbortSignal): void => {
    const refusals = book.excluded(targetId)?.size ?? 0;
    if (refusals <= MAX_REFUSALS && !signal.aborted) matcher.answer(targetId, signal);
  };
  const submitting = createSubmitting(options, common, { onRoom: matchAgain, onRejected });
  const composer = createComposer(options, common, submitting);
  const matcher = createMatcher(options, { ...common, far: deps.far }, composer, submitting);
  const ingest = new SampleIngest(deps.samples, store, deps.onUnit);
  // A score-only process has the same backlog as the miner it scores for: work from the other end and meet in the
  // middle.
  const { parallel } = deps.engine;
  const scorer = new Scorer({ batchSize, parallel, newestFirst: options.scoreOnly }, { ...common, ingest });
  const searcher = new TargetSearcher(
    { share: options.searchShare ?? 0, margin: options.margin ?? 0 },
    { ...common, ...submitting, composer, scorer },
  );
  const { onActiveWeights } = deps;
  const epochs = new EpochChange(
    { keepScoresEpochs, confirmationMs: EPOCH_CONFIRMATION_MS, targetsFirstMs: TARGETS_FIRST_MS },
    { ...common, ...submitting, onActiveWeights, onModels: matchAgain },
  );
  const follower = new TargetFollower({
    client,
    journal,
    book,
    embeddingDim: options.config.embeddingDim,
    now: common.now,
    complain: common.complaints.add,
    node: common.node,
    onKnown: (targetId) => common.reach.opened(targetId),
    onOpened: (targetId, signal) => matcher.answer(targetId, signal),
    onFilled: (targetId) => common.emitter.emit('filled', { targetId, own: journal.submissions.isLive(targetId) }),
    onEpoch: (epoch, protocolVersion, signal) => epochs.begin(epoch, protocolVersion, signal),
  });
  const loader = new ModelLoader({
    models,
    book,
    background,
    warn: common.warn,
    // The store may already have the model's scores from an earlier run.
    onReady: () => matcher.askAgain(),
    onEnded: () => wake.now(),
  });
  const until = { maxAccepted, untilSamples, untilIdle, dryRun };
  const sharing = {
    precision: deps.engine.precision,
    wanted: (): ModelKey[] => models.active.map(({ key }) => key),
    awaited: (): ModelKey[] => scorer.paying().map(({ key }) => key),
  };
  const shared = deps.sharedDir === undefined ? undefined : new SharedRows(deps.sharedDir, { ...common, ...sharing });
  const working = { loader, matcher, scorer, searcher, ingest, shared };
  const mining = new MiningLoop(until, { ...common, ...submitting, ...working, paused });
  const settlement = new SettlementLoop({ dryRun }, { ...common, ...submitting, matcher });
  return { ...common, ...submitting, chain, composer, matcher, ingest, shared, follower, loader, mining, settlement };
}

/** Creates what all parts share. */
function createCommon(
  options: MinerOptions,
  deps: MinerDeps,
  emitter: MinerEmitter,
  {
    matchAgain,
    onWithdrawn,
  }: { readonly matchAgain: () => void; readonly onWithdrawn: NonNullable<ModelCatalogueDeps['onWithdrawn']> },
) {
  const { store, client, engine, weights } = deps;
  const { config } = options;
  const now = deps.now ?? (() => performance.now());
  const warn = (error: QuarryError): void => void emitter.emit('warning', { error });
  const mend = (error: unknown): Promise<boolean> =>
    leaveOutDamaged(toQuarryError(error, 'reading a sample'), { store, warn, matchAgain });
  const failure = new RunFailure();
  // A miner that cannot record what it does must not go on, whichever part finds out.
  const report = (error: QuarryError): void => {
    warn(error);
    if (isLastingDiskFailure(error)) failure.raise(error);
  };
  const background = new TaskGroup(async (error) => {
    if (!(await mend(error))) report(error);
  });
  const proxies = client.modelProxies.bind(client);
  const models = new ModelCatalogue({ config, proxies }, { engine, weights, emitter, now, onWithdrawn });
  const node = new NodeWatch(emitter, now);
  const complaints = new Complaints((error) => {
    client.reportUnfit(error);
    warn(error);
  });
  const book = new OpenTargets();
  const onChanged = (): void => {
    book.readmitExcluded();
    matchAgain();
  };
  const chain = new ChainState({
    client,
    models,
    embeddingDim: config.embeddingDim,
    complain: complaints.add,
    onChanged,
  });
  const { journal, account, host } = deps;
  const shared = { client, account, journal, store, host, weights, emitter, now };
  const stats = new MinerStats(now);
  return {
    ...shared,
    stats,
    reach: new Reach(),
    node,
    nodeFailed: (error: QuarryError): void => {
      node.broken(error);
      if (error.code === 'PROTOCOL') client.reportUnfit(error);
    },
    book,
    wake: new Notifier(),
    failure,
    warn,
    report,
    mend,
    background,
    complaints,
    models,
    chain,
    limits: () => chain.limits,
  };
}

/** Creates the parts that submit hits and claim rewards. */
function createSubmitting(options: MinerOptions, common: Common, told: Pick<SubmitterDeps, 'onRoom' | 'onRejected'>) {
  const { maxInFlight = DEFAULT_IN_FLIGHT, maxAccepted, dryRun = false, scoreOnly, claimExpired = false } = options;
  const hosting = new SampleHosting(common);
  const guard = new SpendingGuard(options, common);
  const aboveShannons = options.confirmBondShannons ?? CONFIRM_ABOVE_SHANNONS;
  const confirmation = new HitConfirmation({ aboveShannons }, { ...common, guard });
  const pace = new ClaimPace({}, common.now);
  const submitter = new Submitter(
    { maxInFlight, maxAccepted, dryRun, scoreOnly },
    { ...common, ...told, hosting, guard, confirmation, pace },
  );
  const { chain, background, stats, emitter } = common;
  const onOutcome = (outcome: ClaimOutcome): void => reportClaim(outcome, stats, emitter);
  const onResentFee = (fee: bigint): void => {
    stats.resentFeesShannons += fee;
  };
  const maySpend = (until: AbortSignal): Promise<void> => pace.turn(until);
  const claimer = new Claimer({ claimExpired, maxInFlight }, { ...common, maySpend, onOutcome, onResentFee });
  const claims = new ClaimSchedule({ dryRun }, { claimer, epoch: () => chain.epoch, background });
  return { hosting, guard, submitter, claimer, claims };
}

function createComposer(options: MinerOptions, common: Common, { guard }: Submitting): TargetComposer {
  const { policy = 'first', margin = 0, config } = options;
  return new TargetComposer(
    { margin, fewest: policy === 'cheapest', shape: config },
    { ...common, maxBytes: () => guard.affordableBytes },
  );
}

function createMatcher(
  options: MinerOptions,
  common: Common & Pick<MinerDeps, 'far'>,
  composer: TargetComposer,
  { submitter }: Submitting,
): Matcher {
  const { policy = 'first', margin = 0 } = options;
  const { background, wake } = common;
  const inBackground = (work: Promise<void>): void =>
    background.run(
      'matching',
      work.finally(() => wake.now()),
    );
  return new Matcher({ policy, margin }, { ...common, far: common.far, composer, submitter, background: inBackground });
}
