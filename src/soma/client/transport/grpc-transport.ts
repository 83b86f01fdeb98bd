import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type Client,
  type ClientReadableStream,
  connectivityState,
  type Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type ErrorCode, QuarryError, throwIfAborted } from '../../../errors/index.js';
import { allowManyListeners, type Backoff, retry, type Sleep } from '../../../net/index.js';
import { CallThread, serviceErrorOf } from './call-thread.js';
import { decodeMessage } from './decode-message.js';
import { type Endpoint, parseEndpoint, type TlsOptions } from './endpoint.js';
import { openChannel } from './grpc-channel.js';
import { fromServiceError, GrpcError } from './grpc-error.js';
import { asBuffer, asUint8Array, callDeadline, flattenMetadata, metadataOf } from './grpc-wire.js';
import { CHAIN_HEADER } from './known-chain.js';
import type { ResponseHeaders, RpcCallOptions, RpcTransport, UnaryOptions } from './rpc-transport.js';

/** URL of a service and limits of its calls. */
export interface GrpcTransportOptions {
  /** Origin of the service: `http:` for plain HTTP/2, `https:` for TLS. */
  readonly url: string;
  readonly tls?: TlsOptions | undefined;
  /** Sent with every call, such as `{ authorization: 'Bearer …' }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Timeout of unary calls. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Maximum size of received messages. Default 128 MiB, which a full checkpoint may need. */
  readonly readMaxBytes?: number | undefined;
  /** Maximum size of sent messages. Default 4 MiB, the node's own limit. */
  readonly writeMaxBytes?: number | undefined;
  /** Total attempts of a unary protobuf call while the node is overloaded or away. Default 3. */
  readonly attempts?: number | undefined;
  /** Interval of HTTP/2 pings during calls. Default 10 s; 0 disables them. */
  readonly keepAliveMs?: number | undefined;
  /** Called with the response headers of every call, by lowercase name. */
  readonly onHeaders?: ((headers: ResponseHeaders) => void) | undefined;
  /**
   * Called with the first four bytes of the chain's id in hex, as in the headers of every answer of a fullnode. A call
   * fails with the error that it returns.
   */
  readonly onChain?: ((begins: string) => QuarryError | undefined) | undefined;
}

/** Dependencies that tests replace. */
export interface GrpcTransportDeps {
  /** Returns numbers in [0, 1) for retry jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
}

/** Encodes and decodes messages, for services that do not use protobuf. */
export interface RawMethod<Request, Response> {
  /** Full method name, such as `/faucet.Faucet/RequestGas`. */
  readonly path: string;
  /** The body of the call. */
  encode(request: Request): Uint8Array;
  /** May throw, which becomes `PROTOCOL`. */
  decode(bytes: Uint8Array): Response;
}

/** Failures that usually resolve within a second. Timeouts are excluded, as they have already taken their time. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'UNREACHABLE', 'RATE_LIMITED']);
const RETRY_BACKOFF: Backoff = { baseMs: 150, maxMs: 2_000 };

/** Full name of a protobuf method, as in the `:path` of a call. */
export function methodPath(method: DescMethodUnary | DescMethodServerStreaming): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/**
 * gRPC over one HTTP/2 connection, with protobuf-es descriptors. Connects on the first call and reconnects
 * automatically.
 *
 * @throws QuarryError `CONFIG_INVALID` when the URL is not an origin
 */
export class GrpcTransport implements RpcTransport {
  readonly endpoint: Endpoint;
  readonly #client: Client;
  readonly #options: GrpcTransportOptions;
  readonly #deps: GrpcTransportDeps;
  readonly #calls = new Set<{ cancel(): void }>();
  /** Methods whose calls are made by a separate thread. */
  readonly #threadedPaths = new Set<string>();
  #thread: CallThread | undefined;
  #closed = false;

  constructor(options: GrpcTransportOptions, deps: GrpcTransportDeps = {}) {
    this.#options = options;
    this.#deps = deps;
    this.endpoint = parseEndpoint(options.url);
    this.#client = openChannel(this.endpoint, options);
  }

  /** Calls a unary method, retrying while the node is overloaded or away. Fails with {@link GrpcError}. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I> | Uint8Array,
    options: UnaryOptions<O> = {},
  ): Promise<MessageShape<O>> {
    const decode = options.decode ?? ((bytes: Uint8Array) => decodeMessage(method.output, bytes));
    return this.unaryWith(method, request, decode, options);
  }

  /** Like {@link unary}, with a custom decoder for responses that need a faster one. */
  async unaryWith<I extends DescMessage, Answer>(
    method: DescMethodUnary<I>,
    request: MessageInitShape<I> | Uint8Array,
    decode: (bytes: Uint8Array) => Answer,
    options: RpcCallOptions = {},
  ): Promise<Answer> {
    const encode = (given: MessageInitShape<I> | Uint8Array) =>
      given instanceof Uint8Array ? given : toBinary(method.input, create(method.input, given));
    const raw: RawMethod<MessageInitShape<I> | Uint8Array, Answer> = { path: methodPath(method), encode, decode };
    return retry(
      () => this.unaryRaw(raw, request, options),
      {
        attempts: options.attempts ?? this.#options.attempts ?? 3,
        backoff: RETRY_BACKOFF,
        isRetryable: (error) => error instanceof QuarryError && PASSING.has(error.code),
        signal: options.signal,
      },
      this.#deps,
    );
  }

  /** Calls a unary method with bodies encoded by `method`. Fails with {@link GrpcError}. */
  async unaryRaw<Request, Response>(
    method: RawMethod<Request, Response>,
    request: Request,
    options: RpcCallOptions = {},
  ): Promise<Response> {
    const inThread = this.#threadedPaths.has(method.path) && (await this.#isFasterInThread());
    this.#assertOpen(method.path);
    throwIfAborted(options.signal, method.path);
    const body = this.#encode(method, request);
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
    if (inThread) {
      const answer = await this.#callInThread(method.path, body, timeoutMs, options);
      return decoded(method.path, () => method.decode(answer));
    }
    let sawHeaders = false;
    let refusal: QuarryError | undefined;
    const bytes = await new Promise<Uint8Array>((resolve, reject) => {
      const call = this.#client.makeUnaryRequest<Uint8Array, Uint8Array>(
        method.path,
        asBuffer,
        asUint8Array,
        body,
        this.#metadata(),
        callDeadline(timeoutMs),
        (error, value) => {
          this.#calls.delete(call);
          options.signal?.removeEventListener('abort', cancel);
          if (refusal !== undefined) reject(refusal);
          else if (error !== null) reject(this.#failure(error, method.path, sawHeaders, options.signal));
          else resolve(value ?? new Uint8Array());
        },
      );
      options.onSent?.(performance.timeOrigin + performance.now());
      const cancel = (): void => call.cancel();
      this.#calls.add(call);
      if (options.signal !== undefined)
        allowManyListeners(options.signal).addEventListener('abort', cancel, { once: true });
      call.on('metadata', (metadata: Metadata) => {
        sawHeaders = true;
        refusal = this.#refusal(metadata);
        if (refusal !== undefined) call.cancel();
        if (this.#wantsHeaders(options)) this.#tellHeaders(flattenMetadata(metadata), options);
      });
    });
    return decoded(method.path, () => method.decode(bytes));
  }

  /**
   * Calls a server-streaming method. The stream is cancelled when the consumer stops iterating. Fails with
   * {@link GrpcError}.
   */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: RpcCallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, void> {
    const path = methodPath(method);
    this.#assertOpen(path);
    throwIfAborted(options.signal, path);
    const encode = (init: MessageInitShape<I>) => toBinary(method.input, create(method.input, init));
    const body = this.#encode({ path, encode }, request);
    const call: ClientReadableStream<Uint8Array> = this.#client.makeServerStreamRequest<Uint8Array, Uint8Array>(
      path,
      asBuffer,
      asUint8Array,
      body,
      this.#metadata(),
      callDeadline(options.timeoutMs ?? 0),
    );
    let sawHeaders = false;
    let refusal: QuarryError | undefined;
    const cancel = (): void => call.cancel();
    this.#calls.add(call);
    if (options.signal !== undefined)
      allowManyListeners(options.signal).addEventListener('abort', cancel, { once: true });
    call.on('metadata', (metadata: Metadata) => {
      sawHeaders = true;
      refusal = this.#refusal(metadata);
      if (refusal !== undefined) call.cancel();
      if (this.#wantsHeaders(options)) this.#tellHeaders(flattenMetadata(metadata), options);
    });
    try {
      for await (const bytes of call as AsyncIterable<Uint8Array>) {
        if (refusal !== undefined) throw refusal;
        yield decoded(path, () => decodeMessage(method.output, bytes));
      }
      throwIfAborted(options.signal, path);
    } catch (error) {
      if (error instanceof QuarryError) throw error;
      throw refusal ?? this.#failure(error as ServiceError, path, sawHeaders, options.signal);
    } finally {
      this.#calls.delete(call);
      options.signal?.removeEventListener('abort', cancel);
      // Errors after the consumer has stopped do not matter.
      call.on('error', () => {});
      call.cancel();
    }
  }

  /** @see RpcTransport.useThread */
  useThread(path: string): void {
    this.#threadedPaths.add(path);
    this.#startedThread();
  }

  /** @see RpcTransport.reportSilence. There is no other fullnode. */
  reportSilence(): void {}

  /** Resolves when the thread of {@link useThread} accepts calls; until then they are made here. */
  async threadReady(): Promise<void> {
    await this.#thread?.ready();
  }

  /** Cancels the calls in flight and closes the connection. */
  close(): void {
    this.#closed = true;
    for (const call of [...this.#calls]) call.cancel();
    this.#thread?.close();
    this.#client.close();
  }

  /** Whether to make a call in the thread: once it is ready, unless the call is alone and can go out from here at once. */
  async #isFasterInThread(): Promise<boolean> {
    if (this.#closed) return false;
    const thread = this.#startedThread();
    if (!thread.isReady) return false;
    const isAlone = await thread.isAlone();
    return !isAlone || this.#client.getChannel().getConnectivityState(false) !== connectivityState.READY;
  }

  /** Restarts the thread if it died; until it is ready, calls are made without it. */
  #startedThread(): CallThread {
    this.#thread ??= new CallThread(this.#options);
    this.#thread.start();
    return this.#thread;
  }

  async #callInThread(path: string, body: Uint8Array, timeoutMs: number, options: RpcCallOptions): Promise<Uint8Array> {
    const wantsHeaders = this.#wantsHeaders(options);
    const { answer, cancel } = this.#startedThread().call({ path, body, timeoutMs, wantsHeaders });
    if (options.signal !== undefined)
      allowManyListeners(options.signal).addEventListener('abort', cancel, { once: true });
    try {
      const result = await answer;
      if (result.headers !== undefined) this.#tellHeaders(result.headers, options);
      if (result.sentAt !== undefined) options.onSent?.(result.sentAt);
      const refusal = result.chain === undefined ? undefined : this.#options.onChain?.(result.chain);
      if (refusal !== undefined) throw refusal;
      if ('body' in result) return result.body;
      throw this.#failure(serviceErrorOf(result.error), path, result.sawHeaders, options.signal);
    } finally {
      options.signal?.removeEventListener('abort', cancel);
    }
  }

  #assertOpen(path: string): void {
    if (this.#closed) throw new QuarryError('ABORTED', `${path} was called after the client was closed`);
  }

  #encode<Request>(method: Pick<RawMethod<Request, unknown>, 'path' | 'encode'>, request: Request): Uint8Array {
    const body = method.encode(request);
    const maxBytes = this.#options.writeMaxBytes ?? 4 * 2 ** 20;
    if (body.length > maxBytes) {
      throw new QuarryError('DATA_TOO_LARGE', `${method.path}: the request has ${body.length} bytes`, {
        hint: `the node decodes at most ${maxBytes} bytes; split the request`,
        details: { sizeBytes: body.length, maxBytes },
      });
    }
    return body;
  }

  #metadata(): Metadata {
    return metadataOf(this.#options.headers);
  }

  #wantsHeaders(options: RpcCallOptions): boolean {
    return options.onHeaders !== undefined || this.#options.onHeaders !== undefined;
  }

  #tellHeaders(headers: ResponseHeaders, options: RpcCallOptions): void {
    options.onHeaders?.(headers);
    this.#options.onHeaders?.(headers);
  }

  #refusal(headers: Metadata | undefined): QuarryError | undefined {
    const [begins] = headers?.get(CHAIN_HEADER) ?? [];
    return typeof begins === 'string' ? this.#options.onChain?.(begins) : undefined;
  }

  #failure(error: ServiceError, path: string, sawHeaders: boolean, signal: AbortSignal | undefined): QuarryError {
    if (signal?.aborted || (this.#closed && error.code === status.CANCELLED)) {
      return new QuarryError('ABORTED', `${path} was interrupted`, { cause: signal?.reason ?? error });
    }
    // An answer without a body has its headers in the error.
    const refusal = this.#refusal(error.metadata);
    if (refusal !== undefined) return refusal;
    return typeof error.code === 'number'
      ? fromServiceError(error, path, sawHeaders)
      : new GrpcError({ grpcCode: status.UNKNOWN, message: String(error), method: path, fromServer: false });
  }
}

function decoded<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new QuarryError('PROTOCOL', `${path}: the answer cannot be decoded`, { cause });
  }
}
