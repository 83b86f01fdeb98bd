import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Endpoint } from './endpoint.js';

/** Response headers by lowercase name. Binary headers are left out. */
export type ResponseHeaders = Readonly<Record<string, string>>;

/** Options of every call. */
export interface CallOptions {
  /** Timeout of the call, milliseconds; 0 means none. Streams have none by default. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of one call to the transport. */
export interface RpcCallOptions extends CallOptions {
  /** Total attempts while the node is overloaded or away; 1 for calls that must not be repeated. */
  readonly attempts?: number | undefined;
  /** Called with the response headers of this call. */
  readonly onHeaders?: ((headers: ResponseHeaders) => void) | undefined;
  /** Called when the request was passed to the connection, in milliseconds since the Unix epoch with fractions. */
  readonly onSent?: ((atMs: number) => void) | undefined;
}

/** Options of a unary call. */
export interface UnaryOptions<O extends DescMessage> extends RpcCallOptions {
  /** Decodes the response faster than the runtime. */
  readonly decode?: ((bytes: Uint8Array) => MessageShape<O>) | undefined;
}

/** The client's transport to a network: one fullnode, or several with failover. */
export interface RpcTransport {
  /** The current fullnode. */
  readonly endpoint: Endpoint;
  /**
   * Makes a unary call.
   *
   * @param request the message, or its encoded bytes
   * @throws QuarryError whatever the server or the connection fails with
   */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I> | Uint8Array,
    options?: UnaryOptions<O>,
  ): Promise<MessageShape<O>>;
  /** Like {@link unary}, with a custom decoder. */
  unaryWith<I extends DescMessage, Answer>(
    method: DescMethodUnary<I>,
    request: MessageInitShape<I> | Uint8Array,
    decode: (bytes: Uint8Array) => Answer,
    options?: RpcCallOptions,
  ): Promise<Answer>;
  /**
   * Opens a stream of responses, which ends when the server or the consumer ends it.
   *
   * @throws QuarryError whatever the server or the connection fails with
   */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: RpcCallOptions,
  ): AsyncGenerator<MessageShape<O>, void, void>;
  /**
   * From now on, makes the calls of one method in a separate thread with its own connection, which takes the work of
   * HTTP/2 and gRPC off the caller's thread; only a call that is alone is made at once from here.
   *
   * @param path full name of the method, as returned by `methodPath`
   */
  useThread(path: string): void;
  /** Reports that a stream stays open and brings nothing; if there is another fullnode, it is used for a while. */
  reportSilence(): void;
  /** Aborts all calls and closes the connection. */
  close(): void;
}
