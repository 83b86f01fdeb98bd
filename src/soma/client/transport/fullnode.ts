import { QuarryError, toQuarryError } from '../../../errors/index.js';
import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import { type Backoff, backoffDelayMs, type ChildSignal, childSignal } from '../../../net/index.js';
import { required } from '../decode/required.js';
import { GrpcTransport, type GrpcTransportDeps, type GrpcTransportOptions } from './grpc-transport.js';
import { KnownChain } from './known-chain.js';

/**
 * State of a fullnode: `ready`; `unchecked`, its chain is not known yet; `down`, it does not answer; `refused`, it is
 * on another chain.
 */
export type FullnodeState = 'unchecked' | 'ready' | 'down' | 'refused';

/** Status of a fullnode from its last probes. */
export interface FullnodeStatus {
  readonly url: string;
  readonly state: FullnodeState;
  /** Whether calls currently go to it. */
  readonly preferred: boolean;
  /** Median of the last three probes, milliseconds. */
  readonly latencyMs: number | undefined;
  readonly checkpointHeight: bigint | undefined;
  readonly error: QuarryError | undefined;
}

/** A call in progress on one fullnode, which is cancelled if the node fails. */
export interface NodeCall {
  readonly kind: 'unary' | 'stream';
  readonly signal: AbortSignal;
  /** Set if the call was cancelled because of the node. */
  readonly dropped: QuarryError | undefined;
  end(): void;
}

/** How long an overloaded node is avoided. */
const SPARE_MS = 1_000;
/** Malformed responses within {@link UNFIT_WITHIN_MS} after which another node is preferred. */
const UNFIT_LIMIT = 3;
const UNFIT_WITHIN_MS = 60_000;
/** How long the node is then avoided, increasing every time. */
const UNFIT_BACKOFF: Backoff = { baseMs: 30_000, maxMs: 600_000 };
/** Number of probes in the median, so that a single slow one has no effect. */
const SAMPLES = 3;

/** One of several fullnodes: its connection, its health, and the calls on it. Used by `FailoverTransport`. */
export class Fullnode {
  readonly url: string;
  readonly #connect: () => GrpcTransport;
  #transport: GrpcTransport;
  readonly #threadedPaths = new Set<string>();
  state: FullnodeState = 'unchecked';
  checkpointHeight: bigint | undefined;
  error: QuarryError | undefined;
  #deliveredHeight = 0n;
  readonly #samples: number[] = [];
  readonly #calls = new Set<NodeCall & { drop(reason: QuarryError): void }>();
  readonly #timeoutMs: number;
  #sparedUntil = 0;
  readonly #unfitAt: number[] = [];
  #timesLeft = 0;
  #closed = false;
  #probing: Promise<string> | undefined;
  readonly #chain = new KnownChain();

  constructor(options: Omit<GrpcTransportOptions, 'onChain'>, deps: GrpcTransportDeps, probeTimeoutMs: number) {
    this.#timeoutMs = probeTimeoutMs;
    this.#connect = () => new GrpcTransport({ ...options, onChain: (begins) => this.#checkChain(begins) }, deps);
    this.#transport = this.#connect();
    this.url = this.#transport.endpoint.url;
  }

  /** The current connection. */
  get transport(): GrpcTransport {
    return this.#transport;
  }

  /** Median of the last three probes, milliseconds. Infinite before the first. */
  get latencyMs(): number {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return sorted[(sorted.length - 1) >> 1] ?? Number.POSITIVE_INFINITY;
  }

  /**
   * The highest checkpoint that it has shown to exist, by delivering it: this much counts against other nodes. What it
   * merely names, {@link checkpointHeight}, counts for itself.
   */
  get shownHeight(): bigint {
    const named = this.checkpointHeight ?? 0n;
    return named < this.#deliveredHeight ? named : this.#deliveredHeight;
  }

  /** Whether calls can be sent to it and it is not being avoided. */
  usable(now: number): boolean {
    return this.state === 'ready' && now >= this.#sparedUntil;
  }

  /** Prefers other nodes for a second, or for as long as already set. */
  markOverloaded(now: number): void {
    this.#sparedUntil = Math.max(this.#sparedUntil, now + SPARE_MS);
  }

  /**
   * Records a malformed response.
   *
   * @returns whether there were so many that the node is avoided for a while
   */
  noteUnfit(now: number): boolean {
    this.#unfitAt.push(now);
    while (now - (this.#unfitAt[0] ?? now) > UNFIT_WITHIN_MS) this.#unfitAt.shift();
    if (this.#unfitAt.length < UNFIT_LIMIT) return false;
    this.avoid(now);
    return true;
  }

  /** Prefers other nodes for half a minute, and longer every time. */
  avoid(now: number): void {
    this.#unfitAt.length = 0;
    this.#sparedUntil = now + backoffDelayMs(this.#timesLeft++, UNFIT_BACKOFF, () => 1);
  }

  /**
   * Asks the node for its chain, height and latency. Concurrent calls share one probe. The caller decides whether the
   * chain is right, with {@link accept} or {@link refuse}.
   *
   * @returns the id of its chain
   */
  probe(): Promise<string> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** Asks for the checkpoint that the node has named as its highest. One that it does not deliver is not shown. */
  async showHeight(): Promise<void> {
    const named = this.checkpointHeight;
    if (named === undefined) return;
    const answer = await this.transport
      .unary(
        LedgerService.method.getCheckpoint,
        { checkpointId: { case: 'sequenceNumber', value: named }, readMask: { paths: ['sequence_number'] } },
        { attempts: 1, timeoutMs: this.#timeoutMs },
      )
      .catch(() => undefined);
    if (answer?.checkpoint?.sequenceNumber === named) this.#deliveredHeight = named;
  }

  /** Marks the node as ready: it is on the right chain. */
  accept(chainId: string): void {
    this.#chain.identify(chainId, this.url);
    this.state = 'ready';
    this.error = undefined;
    for (const path of this.#threadedPaths) this.#transport.useThread(path);
  }

  /** Stops using the node and cancels its calls. */
  refuse(error: QuarryError): void {
    this.state = 'refused';
    this.error = error;
    this.cancelCalls(`${this.url} is no longer used`, error);
  }

  /** The node does not answer: cancels its calls, and requires a successful probe before new ones. */
  fail(error: QuarryError): void {
    if (this.state !== 'refused') this.state = 'down';
    this.error = error;
    this.#samples.length = 0;
    this.cancelCalls(`${this.url} no longer answers`, error);
    if (error.code !== 'TIMEOUT' || this.#closed) return;
    // A connection that silently loses packets looks open for many minutes; a new one works as soon as the network
    // does.
    this.#transport.close();
    this.#transport = this.#connect();
  }

  /** @see RpcTransport.useThread. A node that is not in use starts its thread when it is accepted. */
  useThread(path: string): void {
    this.#threadedPaths.add(path);
    if (this.state === 'ready') this.#transport.useThread(path);
  }

  /** Starts a call, which ends with the caller's signal or when it is cancelled by the node. */
  begin(kind: NodeCall['kind'], signal: AbortSignal | undefined): NodeCall {
    const link: ChildSignal = childSignal(signal);
    let dropped: QuarryError | undefined;
    const call = {
      kind,
      signal: link.signal,
      get dropped() {
        return dropped;
      },
      drop(reason: QuarryError) {
        dropped = reason;
        link.close();
      },
      end: () => {
        this.#calls.delete(call);
        link.close();
      },
    };
    this.#calls.add(call);
    return call;
  }

  /** Cancels calls, by default all of them: they fail with `UNREACHABLE`, and their callers recover. */
  cancelCalls(why: string, cause: QuarryError | undefined, kind?: NodeCall['kind']): void {
    const reason = new QuarryError('UNREACHABLE', why, {
      hint: 'another fullnode takes over if there is one',
      details: { url: this.url },
      cause,
    });
    for (const call of [...this.#calls]) if (kind === undefined || call.kind === kind) call.drop(reason);
  }

  close(): void {
    this.#closed = true;
    this.#transport.close();
  }

  async #probe(): Promise<string> {
    try {
      // The first call opens the connection, so its latency is not representative.
      if (this.#samples.length === 0) await this.#ask();
      return await this.#ask();
    } catch (caught) {
      const error = toQuarryError(caught, `asking ${this.url}`);
      if (error.code !== 'TIMEOUT') throw error;
      // Tolerate one late response.
      return await this.#ask();
    }
  }

  async #ask(): Promise<string> {
    const began = performance.now();
    const info = await this.transport.unary(
      LedgerService.method.getServiceInfo,
      {},
      { attempts: 1, timeoutMs: this.#timeoutMs },
    );
    this.#samples.push(performance.now() - began);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    this.checkpointHeight = required(info.checkpointHeight, 'checkpoint_height');
    return required(info.chainId, 'chain_id');
  }

  /** Stops using the node once it answers for another chain. A probe may learn which one that is. */
  #checkChain(begins: string): QuarryError | undefined {
    if (this.state !== 'ready') return undefined;
    const refusal = this.#chain.refusal(begins, this.url);
    if (refusal !== undefined) this.refuse(refusal);
    return refusal;
  }
}
