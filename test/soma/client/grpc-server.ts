import type { AddressInfo } from 'node:net';
import { create, type DescService, fromBinary, type Message, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** What a handler throws to fail a call with a status. */
export class StatusError extends Error {
  readonly code: number;
  readonly details: string;
  readonly statusDetails: Uint8Array | undefined;

  constructor(code: number, details: string, statusDetails?: Uint8Array) {
    super(details);
    this.code = code;
    this.details = details;
    this.statusDetails = statusDetails;
  }
}

type Handlers = Record<string, (request: never, metadata: Metadata) => unknown>;

function asServiceError(error: unknown): { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  if (error instanceof StatusError) {
    if (error.statusDetails !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(error.statusDetails));
    return { code: error.code, details: error.details, metadata };
  }
  return { code: 13, details: String(error), metadata };
}

/** A grpc-js server whose handlers take and return protobuf-es messages. Unary handlers return, streaming ones yield. */
export class TestServer {
  readonly server = new Server();
  url = '';

  add(service: DescService, handlers: Handlers): this {
    const definition: Record<string, object> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const method of service.methods) {
      const handler = handlers[method.localName];
      if (handler === undefined) continue;
      const encode = (init: unknown): Buffer =>
        Buffer.from(toBinary(method.output, create(method.output, init as MessageShape<typeof method.output>)));
      const streaming = method.methodKind === 'server_streaming';
      definition[method.localName] = {
        path: `/${service.typeName}/${method.name}`,
        requestStream: false,
        responseStream: streaming,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      };
      implementation[method.localName] = streaming
        ? async (call: ServerWritableStream<Message, Buffer>) => {
            try {
              call.sendMetadata(headers());
              for await (const item of handler(call.request as never, call.metadata) as AsyncIterable<unknown>) {
                if (call.cancelled) return;
                call.write(encode(item));
              }
              call.end();
            } catch (error) {
              call.emit('error', asServiceError(error));
            }
          }
        : async (call: ServerUnaryCall<Message, Buffer>, reply: sendUnaryData<Buffer>) => {
            try {
              const answer = encode(await handler(call.request as never, call.metadata));
              call.sendMetadata(headers());
              reply(null, answer);
            } catch (error) {
              reply(asServiceError(error));
            }
          };
    }
    this.server.addService(definition as never, implementation);
    return this;
  }

  /** A unary method over raw bytes. */
  addRaw(path: string, handler: (request: Uint8Array) => Uint8Array): this {
    const raw = (bytes: Buffer): Buffer => bytes;
    this.server.addService(
      {
        call: {
          path,
          requestStream: false,
          responseStream: false,
          requestSerialize: raw,
          requestDeserialize: raw,
          responseSerialize: raw,
          responseDeserialize: raw,
        },
      },
      {
        call: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
          try {
            reply(null, Buffer.from(handler(call.request)));
          } catch (error) {
            reply(asServiceError(error));
          }
        },
      },
    );
    return this;
  }

  async start(credentials = ServerCredentials.createInsecure()): Promise<this> {
    const port = await new Promise<number>((resolve, reject) =>
      this.server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    this.url = `http://127.0.0.1:${port}`;
    return this;
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

function headers(): Metadata {
  const metadata = new Metadata();
  metadata.set('x-soma-epoch', '7');
  metadata.set('x-soma-chain', 'localnet');
  return metadata;
}

/** The port a Node server listens on. */
export function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}
