import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Metadata, Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { encodeMessage } from './encode-message.js';
import { RpcStatus } from './rpc-status.js';

/** Output of a server-streaming handler. */
export interface ResponseStream<T> {
  /** Fires when the caller disconnects. */
  readonly signal: AbortSignal;
  /** Sends a message; resolves when the transport is ready for the next. */
  send(message: T): Promise<void>;
}

type Handler<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>) => MessageShape<O> | Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, stream: ResponseStream<MessageShape<O>>) => Promise<void>
      : never;

/** One handler per method of a service. Handlers reject calls by throwing {@link RpcStatus}. */
export type ServiceHandlers<S extends DescService> = { readonly [K in keyof S['method']]: Handler<S['method'][K]> };

/** Hooks around every call. */
export interface CallHooks {
  /** Response headers, evaluated for each call. */
  readonly headers: () => Metadata;
  /**
   * Wraps a unary call; may fail before or after it takes effect.
   *
   * @param path `/soma.rpc.LedgerService/GetObject`
   */
  readonly around: <T>(path: string, request: unknown, call: () => Promise<T>) => Promise<T>;
}

type AnyHandler = (request: unknown, stream?: unknown) => unknown;

/** Registers `handlers` for `service` on a grpc-js server, under the service's protobuf descriptor. */
export function addGrpcService<S extends DescService>(
  server: Server,
  service: S,
  handlers: ServiceHandlers<S>,
  hooks: CallHooks,
): void {
  const definition: Record<string, Parameters<Server['addService']>[0][string]> = {};
  const implementation: Parameters<Server['addService']>[1] = {};
  for (const method of service.methods) {
    const path = `/${service.typeName}/${method.name}`;
    const responseStream = method.methodKind === 'server_streaming';
    definition[method.name] = {
      path,
      requestStream: false,
      responseStream,
      ...codecOf(method.input, method.output),
    };
    const handler = (handlers as Record<string, AnyHandler>)[method.localName];
    if (handler === undefined) continue;
    implementation[method.name] = responseStream
      ? (call: ServerWritableStream<unknown, unknown>) => void stream(call, handler, hooks)
      : (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) =>
          void unary(call, callback, path, handler, hooks);
  }
  server.addService(definition, implementation);
}

function codecOf(input: DescMessage, output: DescMessage) {
  return {
    requestSerialize: (value: unknown) => Buffer.from(toBinary(input, value as MessageShape<DescMessage>)),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
    responseSerialize: (value: unknown) => encodeMessage(output, value as MessageShape<DescMessage>),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
  };
}

async function unary(
  call: ServerUnaryCall<unknown, unknown>,
  callback: sendUnaryData<unknown>,
  path: string,
  handler: AnyHandler,
  hooks: CallHooks,
): Promise<void> {
  try {
    const response = await hooks.around(path, call.request, async () => handler(call.request));
    call.sendMetadata(hooks.headers());
    callback(null, response);
  } catch (error) {
    call.sendMetadata(hooks.headers());
    callback(RpcStatus.from(error).toServiceError());
  }
}

async function stream(
  call: ServerWritableStream<unknown, unknown>,
  handler: AnyHandler,
  hooks: CallHooks,
): Promise<void> {
  const gone = new AbortController();
  call.on('cancelled', () => gone.abort());
  call.on('close', () => gone.abort());
  call.on('error', () => gone.abort());
  call.sendMetadata(hooks.headers());
  const responses: ResponseStream<unknown> = {
    signal: gone.signal,
    send: async (message) => {
      if (gone.signal.aborted || call.write(message)) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          call.off('drain', done);
          gone.signal.removeEventListener('abort', done);
          resolve();
        };
        call.once('drain', done);
        gone.signal.addEventListener('abort', done, { once: true });
      });
    },
  };
  try {
    await handler(call.request, responses);
    if (!gone.signal.aborted) call.end();
  } catch (error) {
    if (!gone.signal.aborted) call.emit('error', RpcStatus.from(error).toServiceError());
  }
}
