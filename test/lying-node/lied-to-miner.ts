import { status } from '@grpc/grpc-js';
import type { AssembledMiner, CreateMinerOptions } from '../../src/miner/index.js';
import { type MiningNetwork, startMiningNetwork } from '../miner/network.js';
import { until } from '../until.js';
import type { Lie } from './lies.js';
import { LyingProxy } from './proxy.js';

/** What a lie did to the miner that heard it. */
export type Verdict =
  /** It was told, and targets were accepted after it. */
  | { readonly kind: 'recovered'; readonly recoveryMs: number; readonly duringLie: number }
  /** The miner did not make the call in time. */
  | { readonly kind: 'not told' }
  | { readonly kind: 'ended' | 'blind'; readonly why: string };

/** How long a lie continues once it was told. */
const LASTING_MS = 300;
/** Time after the end of a lie within which targets must be accepted again. */
const RECOVERY_MS = 45_000;
/** How much slower an honest second node is, so that the liar is asked first. */
const SECOND_DELAY_MS = 120;
/** Targets of an epoch that are looked at. */
const FIRST = 20;
/** Slows submissions down, so that several miners share a processor. */
const ANSWER_DELAY_MS = 60;

/** Methods that a miner calls when its stream breaks, when it begins to follow anew, and when an epoch begins. */
const AFTER_BREAK = /GetServiceInfo|GetCheckpoint|SubscribeCheckpoints/;
const AFTER_RESTART = /ListTargets/;
const AFTER_EPOCH = /GetEpoch|ListOwnedObjects|GetTarget$|BatchGetObjects|GetObject$|GetTransaction|GetBalance/;

/** A miner at work on a devnet, with a liar between them. */
export class LiedToMiner {
  readonly proxy: LyingProxy;
  readonly #second: LyingProxy | undefined;
  readonly #network: MiningNetwork;
  readonly #stop = new AbortController();
  readonly #warnings: string[] = [];
  /** Digests of submissions that were signed while the node was honest. */
  readonly #signed = new Set<string>();
  #isHonest = true;
  #accepted = 0;
  #acceptedInHonesty = 0;
  #end: string | undefined;

  private constructor(
    network: MiningNetwork,
    nodes: { readonly liar: LyingProxy; readonly second: LyingProxy | undefined },
    assembled: AssembledMiner,
  ) {
    this.#network = network;
    this.proxy = nodes.liar;
    this.#second = nodes.second;
    const { miner } = assembled;
    miner.events.on('submitted', ({ digest }) => {
      if (this.#isHonest) this.#signed.add(digest);
    });
    miner.events.on('outcome', ({ digest, outcome }) => {
      if (outcome.kind !== 'accepted') return void this.#note(`${outcome.kind}: ${outcome.reason}`);
      this.#accepted++;
      if (this.#signed.delete(digest)) this.#acceptedInHonesty++;
    });
    miner.events.on('warning', ({ error }) => this.#note(`${error.code}: ${error.message}`));
    miner.run({ signal: this.#stop.signal }).then(
      () => this.#ended('as if it were done'),
      (error: unknown) => this.#ended(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  }

  /**
   * Starts one and lets it have its first targets accepted.
   *
   * @param isAlone whether the liar is the only fullnode; otherwise an honest one is there that answers later
   */
  static async start(options: Partial<CreateMinerOptions> = {}, isAlone = true): Promise<LiedToMiner> {
    const network = await startMiningNetwork({
      auditShare: 0,
      targetsPerEpoch: 20,
      // Every sample hits every target.
      initialDistanceThreshold: 2,
      idleCheckpointMs: 100,
    });
    const proxy = await LyingProxy.start(network.devnet.rpcUrl);
    proxy.delayMs = ANSWER_DELAY_MS;
    const second = isAlone ? undefined : await LyingProxy.start(network.devnet.rpcUrl);
    if (second !== undefined) second.delayMs = SECOND_DELAY_MS;
    const assembled = await network.miner({
      network: proxy.url,
      fullnodes: second === undefined ? [] : [second.url],
      engine: { engine: 'auto', workers: 1, threads: 1 },
      maxInFlight: 2,
      untilIdle: false,
      ...options,
    });
    const lied = new LiedToMiner(network, { liar: proxy, second }, assembled);
    try {
      await until(() => lied.#acceptedInHonesty > 0, 'a good start', { deadlineMs: 180_000 });
    } catch (error) {
      await lied.close();
      throw error;
    }
    return lied;
  }

  /**
   * Tells one lie until the miner has heard it, and returns the effect. After `ended` or `blind` the miner cannot be used again.
   *
   * @param tellingMs how long the lie waits to be told
   */
  async hear(lie: Lie, tellingMs: number): Promise<Verdict> {
    this.#warnings.length = 0;
    const before = this.#accepted;
    this.#isHonest = false;
    this.proxy.lie(lie);
    await this.#provoke(lie.method);
    const isOver = (): boolean => this.proxy.told > 0 || this.#end !== undefined;
    const wasTold = await until(isOver, 'the lie', { deadlineMs: tellingMs }).catch(() => false);
    if (wasTold) {
      const lasting = { deadlineMs: LASTING_MS };
      await until(() => this.#end !== undefined || this.proxy.told > 3, 'more', lasting).catch(() => false);
    }
    const duringLie = this.#accepted - before;
    this.proxy.honest();
    this.#isHonest = true;
    this.#signed.clear();
    this.#acceptedInHonesty = 0;
    const honestAt = performance.now();
    const isDecided = async (): Promise<boolean> => {
      await this.#keepTargetsOpen();
      return this.#end !== undefined || this.#acceptedInHonesty > 0;
    };
    const recovery = { deadlineMs: RECOVERY_MS };
    const isAlive = await until(isDecided, 'recovery', recovery).catch(() => false);
    const why = [this.#end, ...this.#warnings].filter((line) => line !== undefined).join('\n    ');
    if (this.#end !== undefined) return { kind: 'ended', why };
    if (!isAlive) return { kind: 'blind', why };
    return wasTold ? { kind: 'recovered', recoveryMs: performance.now() - honestAt, duringLie } : { kind: 'not told' };
  }

  /**
   * Tells one lie from now on, and opens an epoch's targets to a miner that hears it.
   *
   * @returns how many of the first twenty it took, once none of them is open; what it complained about where some stay open
   */
  async takeAllDespite(lie: Lie): Promise<number | string> {
    const { devnet, signer } = this.#network;
    this.proxy.lie(lie);
    await this.#provoke(lie.method);
    await until(() => this.proxy.told > 0, 'the lie');
    const epoch = await devnet.advanceEpoch();
    // Each that is filled is followed by another, for as long as the epoch lasts: the first of them are enough.
    const opened = [...devnet.targets()].filter(([, target]) => target.generationEpoch === epoch).slice(0, FIRST);
    const filled = (): boolean => opened.every(([id]) => devnet.targets().get(id)?.status.kind !== 'open');
    if (!(await until(filled, 'the last target').catch(() => false))) return [this.#end, ...this.#warnings].join('\n');
    return opened.filter(([id]) => devnet.targets().get(id)?.submitter === signer.address).length;
  }

  /** Brings about the calls of these methods, so that the proxy knows honest answers of each. */
  async showEverything(methods: readonly string[]): Promise<void> {
    for (const method of methods) {
      await this.#provoke(method);
      const isSeen = (): boolean => [...this.proxy.answers.keys()].some((path) => path.endsWith(`/${method}`));
      await until(isSeen, `a call of ${method}`);
    }
  }

  async close(): Promise<void> {
    this.proxy.honest();
    this.#stop.abort();
    await until(() => this.#end !== undefined, 'the end of the miner');
    await this.#network.close();
    this.proxy.close();
    this.#second?.close();
  }

  /** The number of targets of an epoch is limited. */
  async #keepTargetsOpen(): Promise<void> {
    const { devnet } = this.#network;
    const open = [...devnet.targets().values()].some(({ status }) => status.kind === 'open');
    if (!open) await devnet.advanceEpoch();
  }

  /** Brings about the calls that a running miner makes seldom. */
  async #provoke(method: string): Promise<void> {
    if (AFTER_BREAK.test(method)) this.proxy.breakStreams(status.UNAVAILABLE);
    if (AFTER_RESTART.test(method)) this.proxy.breakStreams(status.FAILED_PRECONDITION);
    if (AFTER_EPOCH.test(method)) await this.#network.devnet.advanceEpoch();
  }

  #note(line: string): void {
    if (this.#warnings.length < 12) this.#warnings.push(line);
  }

  #ended(how: string): void {
    this.#end = `the miner ended: ${how}`;
  }
}
