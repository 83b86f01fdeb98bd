import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { type ErrorCode, QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import { type Backoff, backoffDelayMs, sleep, unlessAborted } from '../../../net/index.js';
import { decodeMessage } from './decode-message.js';
import type { Endpoint } from './endpoint.js';
import { Fullnode, type FullnodeStatus } from './fullnode.js';
import { type GrpcTransportDeps, type GrpcTransportOptions, methodPath } from './grpc-transport.js';
import { OtherChainError } from './known-chain.js';
import type { RpcCallOptions, RpcTransport, UnaryOptions } from './rpc-transport.js';

/** A change among the fullnodes. */
export interface FullnodeEvent {
  /** `preferred`: calls go to it from now on; `down`: it does not answer; `refused`: it is on another chain. */
  readonly type: 'preferred' | 'down' | 'refused';
  readonly url: string;
  /** Human-readable reason. */
  readonly reason: string;
}

/** How to probe fullnodes and when to switch. */
export interface FailoverOptions {
  /** Interval of probes of all fullnodes. Default 5 s. */
  readonly probeMs?: number | undefined;
  /** Timeout of a probe. Default 3 s. */
  readonly probeTimeoutMs?: number | undefined;
  /**
   * A fullnode this many checkpoints behind the furthest one is used only if no other answers. Default 10. Only
   * checkpoints that a fullnode delivers count.
   */
  readonly maxLagCheckpoints?: bigint | undefined;
  /** Called when another fullnode is preferred, or one does not answer or is refused. */
  readonly onFullnode?: ((event: FullnodeEvent) => void) | undefined;
}

/** Fullnodes of one network and their connection options. */
export interface FailoverTransportOptions extends Omit<GrpcTransportOptions, 'url' | 'onChain'>, FailoverOptions {
  /** Origins of fullnodes of one network. The first in the list that answers at the start determines the chain. */
  readonly urls: readonly string[];
}

const PASSING: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'UNREACHABLE', 'RATE_LIMITED']);
const BUSY: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'RATE_LIMITED', 'REMOTE_FAILURE']);
const RETRY_BACKOFF: Backoff = { baseMs: 150, maxMs: 2_000 };
/** How long the start waits for the other fullnodes once one has answered. */
const START_GRACE_MS = 1_000;
/** Switch only to a fullnode that is faster by this factor and by this many milliseconds. */
const FASTER = 0.7;
const FASTER_BY_MS = 5;

/**
 * Combines several fullnodes of one network. All are probed every few seconds; calls and streams go to the fastest one
 * that is not lagging, and stay there until it fails, falls behind or another is clearly faster. A read that fails in
 * transit is repeated on the next one. A call that must be made only once (`attempts: 1`, such as executing a
 * transaction) goes to one fullnode, and its failure is returned to the caller. When switching, streams of the old
 * fullnode end with `UNREACHABLE`; reopened, they come from the new one. Calls only go to fullnodes verified to be on
 * the same chain.
 */
export class FailoverTransport implements RpcTransport {
  readonly #nodes: readonly Fullnode[];
  readonly #options: FailoverTransportOptions;
  readonly #deps: GrpcTransportDeps;
  readonly #timer: NodeJS.Timeout;
  #chainId: string | undefined;
  #current: Fullnode | undefined;
  #starting: Promise<void> | undefined;
  #closed = false;

  /** @throws QuarryError `CONFIG_INVALID` when there is no URL, or one is not an origin */
  constructor(options: FailoverTransportOptions, deps: GrpcTransportDeps = {}) {
    const { urls, probeMs = 5_000, probeTimeoutMs = 3_000, onFullnode: _, maxLagCheckpoints: _lag, ...each } = options;
    this.#options = options;
    this.#deps = deps;
    const nodes = urls.map((url) => new Fullnode({ ...each, url }, deps, probeTimeoutMs));
    // Remove duplicates.
    this.#nodes = nodes.filter((node, index) => nodes.findIndex(({ url }) => url === node.url) === index);
    if (this.#nodes.length === 0) throw new QuarryError('CONFIG_INVALID', 'no fullnode was given');
    this.#timer = setInterval(() => {
      if (this.#chainId !== undefined) void this.#round();
    }, probeMs);
    this.#timer.unref();
  }

  get endpoint(): Endpoint {
    return (this.#current ?? this.#nodes[0]!).transport.endpoint;
  }

  /** Status of all fullnodes from their last probes, in the order given. */
  get fullnodes(): readonly FullnodeStatus[] {
    return this.#nodes.map((node) => ({
      url: node.url,
      state: node.state,
      preferred: node === this.#current,
      latencyMs: Number.isFinite(node.latencyMs) ? node.latencyMs : undefined,
      checkpointHeight: node.checkpointHeight,
      error: node.error,
    }));
  }

  /**
   * Makes a unary call at the best fullnode, and repeats it on the next one if it fails in transit and may be repeated.
   */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I> | Uint8Array,
    options: UnaryOptions<O> = {},
  ): Promise<MessageShape<O>> {
    const decode = options.decode ?? ((bytes: Uint8Array) => decodeMessage(method.output, bytes));
    return this.unaryWith(method, request, decode, options);
  }

  async unaryWith<I extends DescMessage, Answer>(
    method: DescMethodUnary<I>,
    request: MessageInitShape<I> | Uint8Array,
    decode: (bytes: Uint8Array) => Answer,
    options: RpcCallOptions = {},
  ): Promise<Answer> {
    const attempts = options.attempts ?? this.#options.attempts ?? 3;
    const tried = new Set<Fullnode>();
    for (let round = 1; ; ) {
      let failure: QuarryError;
      try {
        const node = await this.#route(tried, methodPath(method), options.signal);
        tried.add(node);
        return await this.#through(node, options.signal, (signal) =>
          node.transport.unaryWith(method, request, decode, { ...options, attempts: 1, signal }),
        );
      } catch (error) {
        failure = toQuarryError(error, methodPath(method));
      }
      if (options.signal?.aborted || this.#closed || attempts === 1 || !PASSING.has(failure.code)) throw failure;
      // A node that has not been tried yet needs no delay.
      if (this.#best(tried) !== undefined) continue;
      if (round++ >= attempts) throw failure;
      tried.clear();
      const random = this.#deps.random ?? Math.random;
      await (this.#deps.sleep ?? sleep)(backoffDelayMs(round - 2, RETRY_BACKOFF, random), options.signal);
    }
  }

  /** Opens a stream at the best fullnode; it fails when that fullnode does, and the caller reopens it. */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: RpcCallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, void> {
    const node = await this.#route(new Set(), methodPath(method), options.signal);
    const call = node.begin('stream', options.signal);
    try {
      for await (const item of node.transport.serverStream(method, request, { ...options, signal: call.signal })) {
        if (call.dropped !== undefined) throw call.dropped;
        yield item;
      }
    } catch (error) {
      throw this.#judge(node, call.dropped, error, options.signal);
    } finally {
      call.end();
    }
  }

  /** Records that the preferred node returned malformed data; if that continues, another one is used. */
  reportUnfit(reason: QuarryError): void {
    const node = this.#current;
    if (node === undefined || !node.noteUnfit(performance.now())) return;
    if (this.#best(new Set([node])) === undefined) return;
    node.cancelCalls(`${node.url} keeps sending invalid answers`, reason, 'stream');
    this.#choose();
  }

  /** @see RpcTransport.reportSilence. Its answers to other calls do not show that its streams are dead. */
  reportSilence(): void {
    const node = this.#current;
    if (node === undefined || this.#best(new Set([node])) === undefined) return;
    node.avoid(performance.now());
    node.cancelCalls(`${node.url} streams nothing`, undefined, 'stream');
    this.#choose();
  }

  /** @see RpcTransport.useThread */
  useThread(path: string): void {
    for (const node of this.#nodes) node.useThread(path);
  }

  /** Stops probes, calls and connections. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const node of this.#nodes) node.close();
  }

  async #through<T>(
    node: Fullnode,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const call = node.begin('unary', signal);
    try {
      const answer = await work(call.signal);
      // A response may arrive before we learn that it comes from another chain.
      if (node.state === 'refused' && call.dropped !== undefined) throw call.dropped;
      return answer;
    } catch (error) {
      throw this.#judge(node, call.dropped, error, signal);
    } finally {
      call.end();
    }
  }

  /** Updates the node's state after a failed call. Returns the error to throw. */
  #judge(node: Fullnode, dropped: QuarryError | undefined, caught: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted || this.#closed) return caught;
    if (dropped !== undefined) return dropped;
    const error = toQuarryError(caught, node.url);
    if (error.code === 'UNREACHABLE') this.#fail(node, error);
    else if (PASSING.has(error.code) || error.code === 'TIMEOUT') {
      // A connection closed during a response looks like an overloaded node: the probe distinguishes them.
      node.markOverloaded(performance.now());
      void this.#check(node);
    } else return caught;
    this.#choose();
    return caught;
  }

  #fail(node: Fullnode, error: QuarryError): void {
    if (this.#closed) return;
    const news = node.state === 'ready' || node.state === 'unchecked';
    node.fail(error);
    if (news) this.#tell('down', node, error.message);
  }

  /**
   * Selects the node for a call: the preferred one unless it was tried. Waits for the start, and for a node to come
   * back.
   */
  async #route(tried: ReadonlySet<Fullnode>, path: string, signal: AbortSignal | undefined): Promise<Fullnode> {
    if (this.#closed) throw new QuarryError('ABORTED', `${path} was called after the client was closed`);
    throwIfAborted(signal, path);
    if (this.#chainId === undefined) await unlessAborted(this.#start(), path, signal);
    let node = this.#best(tried) ?? this.#any();
    if (node === undefined) {
      // A silent node may come back, possibly on another chain: check that first.
      await unlessAborted(this.#round(), path, signal);
      node = this.#any();
    }
    if (node !== undefined) return node;
    // One that is down may come back.
    const hopeful = this.#nodes.find(({ state }) => state !== 'refused');
    if (hopeful !== undefined) throw hopeful.error ?? new QuarryError('UNREACHABLE', `${hopeful.url} does not answer`);
    throw new OtherChainError('all fullnodes have changed to another chain', { cause: this.#nodes[0]!.error });
  }

  /** The preferred node, or the best of the others; undefined if all usable ones were tried. */
  #best(tried: ReadonlySet<Fullnode>): Fullnode | undefined {
    const now = performance.now();
    if (this.#current?.usable(now) && !tried.has(this.#current)) return this.#current;
    const usable = this.#nodes.filter((node) => node.usable(now) && !tried.has(node));
    const abreast = usable.filter((node) => !this.#isBehind(node));
    return fastest(abreast.length > 0 ? abreast : usable);
  }

  /** Any node of the right chain, even if overloaded. */
  #any(): Fullnode | undefined {
    return fastest(this.#nodes.filter(({ state }) => state === 'ready'));
  }

  #isBehind(node: Fullnode): boolean {
    return this.#nodes.some((other) => other.state === 'ready' && this.#isLag(other.shownHeight, node));
  }

  #isLag(height: bigint, { checkpointHeight = 0n }: Fullnode): boolean {
    return height - checkpointHeight > (this.#options.maxLagCheckpoints ?? 10n);
  }

  /** Has a node that would leave others behind show that it is ahead. */
  async #showLead(node: Fullnode): Promise<void> {
    const { state, checkpointHeight: height = 0n } = node;
    if (state !== 'ready' || !this.#nodes.some((other) => other.state === 'ready' && this.#isLag(height, other)))
      return;
    await node.showHeight();
  }

  /** Switches to another node if there is a reason to. */
  #choose(): void {
    if (this.#closed) return;
    const best = this.#bestOfAll();
    const old = this.#current;
    if (best === undefined || best === old) return;
    let why = 'it answers fastest';
    if (old !== undefined) {
      if (old.usable(performance.now())) {
        if (this.#isBehind(old)) why = `${old.url} is behind`;
        else if (best.latencyMs < old.latencyMs * FASTER && best.latencyMs < old.latencyMs - FASTER_BY_MS)
          why = `it answers faster than ${old.url}`;
        else return;
        // Unary calls can finish on the old node; a stream would stay forever.
        old.cancelCalls(`the stream moves to ${best.url}: ${why}`, undefined, 'stream');
      } else why = `${old.url} fails`;
    }
    this.#current = best;
    this.#tell('preferred', best, `${why} (${best.latencyMs.toFixed(1)} ms)`);
  }

  #bestOfAll(): Fullnode | undefined {
    const now = performance.now();
    const usable = this.#nodes.filter((node) => node.usable(now));
    const abreast = usable.filter((node) => !this.#isBehind(node));
    return fastest(abreast.length > 0 ? abreast : usable);
  }

  /** Determines the chain, from the first node in the list that answers. */
  #start(): Promise<void> {
    this.#starting ??= this.#learnChain().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #learnChain(): Promise<void> {
    const chains = new Map<Fullnode, string>();
    const probes = this.#nodes.map(async (node) => {
      try {
        chains.set(node, await node.probe());
      } catch (error) {
        this.#fail(node, toQuarryError(error, `asking ${node.url}`));
        throw error;
      }
    });
    const all = Promise.allSettled(probes);
    await Promise.any(probes).then(
      () => Promise.race([all, (this.#deps.sleep ?? sleep)(START_GRACE_MS)]),
      () => all,
    );
    const [first] = this.#nodes.filter((node) => chains.has(node));
    if (first === undefined) throw this.#nodes[0]!.error ?? new QuarryError('UNREACHABLE', 'no fullnode answers');
    const chainId = chains.get(first)!;
    for (const [node, found] of chains) {
      if (found !== chainId) throw otherChain(node, found, chainId, first.url);
    }
    this.#chainId = chainId;
    for (const node of chains.keys()) this.#admit(node, chainId);
    await Promise.all([...chains.keys()].map((node) => this.#showLead(node)));
    this.#choose();
    // Nodes that answer later are checked then.
    for (const node of this.#nodes) if (!chains.has(node)) void this.#check(node);
  }

  async #round(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => this.#check(node)));
  }

  async #check(node: Fullnode): Promise<void> {
    try {
      this.#admit(node, await node.probe());
      await this.#showLead(node);
    } catch (caught) {
      const error = toQuarryError(caught, `asking ${node.url}`);
      // A node that rejects calls due to load is alive, and its other calls can continue.
      if (node.state === 'ready' && BUSY.has(error.code)) node.markOverloaded(performance.now());
      else this.#fail(node, error);
    }
    this.#choose();
  }

  #admit(node: Fullnode, found: string): void {
    if (this.#closed || this.#chainId === undefined) return;
    if (found === this.#chainId) {
      node.accept(found);
      return;
    }
    const news = node.state !== 'refused';
    const error = otherChain(node, found, this.#chainId);
    node.refuse(error);
    if (news) this.#tell('refused', node, error.message);
  }

  #tell(type: FullnodeEvent['type'], { url }: Fullnode, reason: string): void {
    this.#options.onFullnode?.({ type, url, reason });
  }
}

function fastest(nodes: readonly Fullnode[]): Fullnode | undefined {
  return nodes.reduce<Fullnode | undefined>(
    (best, node) => (best === undefined || node.latencyMs < best.latencyMs ? node : best),
    undefined,
  );
}

function otherChain(node: Fullnode, found: string, expected: string, as?: string): QuarryError {
  return new OtherChainError(`${node.url} is a fullnode of another chain`, {
    hint: `name only fullnodes of one network${as === undefined ? '' : `, like ${as}`}`,
    details: { url: node.url, chainId: found, expectedChainId: expected },
  });
}
