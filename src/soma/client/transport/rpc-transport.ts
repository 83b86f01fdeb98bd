import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Endpoint } from './endpoint.js';
import type { CallOptions } from './grpc-transport.js';

/** What the client calls a network through: one fullnode, or several that stand in for each other. */
export interface RpcTransport {
  /** The fullnode that calls go to now. */
  readonly endpoint: Endpoint;
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  /** {@link unary} with a decoder of the caller's own. */
  unaryWith<I extends DescMessage, Answer>(
    method: DescMethodUnary<I>,
    request: MessageInitShape<I>,
    decode: (bytes: Uint8Array) => Answer,
    options?: CallOptions,
  ): Promise<Answer>;
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncGenerator<MessageShape<O>, void, void>;
  close(): void;
}
