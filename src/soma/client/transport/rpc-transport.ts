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

/** What every call accepts. */
export interface CallOptions {
  /** Longest wait for the answer, in milliseconds; 0 means no limit. Streams have none by default. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How one call is made. */
export interface RpcCallOptions extends CallOptions {
  /** Calls in all while the node is overloaded or away; 1 for what must not be repeated. */
  readonly attempts?: number | undefined;
  /** Called with the response headers of this call. */
  readonly onHeaders?: ((headers: ResponseHeaders) => void) | undefined;
  /** Called when the request was handed to the connection, in milliseconds since the Unix epoch with fractions. */
  readonly onSent?: ((atMs: number) => void) | undefined;
}

/** How one unary call is made. */
export interface UnaryOptions<O extends DescMessage> extends RpcCallOptions {
  /** Reads the answer as the runtime would, faster. */
  readonly decode?: ((bytes: Uint8Array) => MessageShape<O>) | undefined;
}

/** What the client calls a network through: one fullnode, or several that stand in for each other. */
export interface RpcTransport {
  /** The fullnode that calls go to now. */
  readonly endpoint: Endpoint;
  /**
   * A call of one answer.
   *
   * @param request the message, or the bytes it was encoded to already
   * @throws QuarryError what the server or the way to it failed with
   */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I> | Uint8Array,
    options?: UnaryOptions<O>,
  ): Promise<MessageShape<O>>;
  /** {@link unary} with a decoder of the caller's own. */
  unaryWith<I extends DescMessage, Answer>(
    method: DescMethodUnary<I>,
    request: MessageInitShape<I> | Uint8Array,
    decode: (bytes: Uint8Array) => Answer,
    options?: RpcCallOptions,
  ): Promise<Answer>;
  /**
   * Answers as they come, until the server ends or the loop does.
   *
   * @throws QuarryError what the server or the way to it failed with
   */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: RpcCallOptions,
  ): AsyncGenerator<MessageShape<O>, void, void>;
  /**
   * Lets a thread of its own make the calls of one method from now on, over a connection of its own: what HTTP/2 and gRPC
   * take is no longer taken from the caller's thread.
   *
   * @param path full name of the method, as `methodPath` gives it
   */
  useThread(path: string): void;
  /** Ends every call and the connection. */
  close(): void;
}
