import { setTimeout } from 'node:timers/promises';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { type Lie, methodPath, SERVICES } from './lies.js';
import { rewriteField } from './rewrite.js';

const raw = (bytes: Buffer): Buffer => bytes;
const UNLIMITED = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
const LATE_MS = 3_000;

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;
type StreamCall = ServerWritableStream<Buffer, Buffer>;

/** A fullnode's gRPC, passed on byte by byte, except for one lie at a time. */
export class LyingProxy {
  readonly url: string;
  /** The first honest answers of each method called so far. */
  readonly answers = new Map<string, Buffer[]>();
  /** How often the present lie was told. */
  told = 0;
  /** Delay of every unary answer, milliseconds. */
  delayMs = 0;
  readonly #server: Server;
  readonly #upstream: Client;
  readonly #streams = new Set<StreamCall>();
  #lie: Lie | undefined;
  /** Called when the present lie ends. */
  readonly #onEnd = new Set<() => void>();

  private constructor(server: Server, port: number, upstream: Client) {
    this.#server = server;
    this.#upstream = upstream;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(upstreamUrl: string): Promise<LyingProxy> {
    const upstream = new Client(new URL(upstreamUrl).host, credentials.createInsecure(), UNLIMITED);
    const server = new Server(UNLIMITED);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const proxy = new LyingProxy(server, port, upstream);
    for (const service of SERVICES) {
      for (const method of service.methods) {
        proxy.#serve(methodPath(service, method), method.methodKind === 'server_streaming');
      }
    }
    return proxy;
  }

  /** Tells a lie from now on. */
  lie(lie: Lie): void {
    this.honest();
    this.told = 0;
    this.#lie = lie;
  }

  /** Ends the lie. */
  honest(): void {
    this.#lie = undefined;
    for (const end of this.#onEnd) end();
    this.#onEnd.clear();
  }

  /** Ends every stream with a gRPC status. */
  breakStreams(code: number): void {
    for (const call of this.#streams) call.emit('error', { code, details: 'the stream ends' });
  }

  close(): void {
    this.honest();
    this.#server.forceShutdown();
    this.#upstream.close();
  }

  #serve(path: string, responseStream: boolean): void {
    const codec = { requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw };
    const handler = responseStream
      ? (call: StreamCall) => this.#stream(path, call)
      : (call: UnaryCall, reply: sendUnaryData<Buffer>) => void this.#unary(path, call, reply);
    this.#server.addService({ call: { path, requestStream: false, responseStream, ...codec } }, { call: handler });
  }

  async #unary(path: string, call: UnaryCall, reply: sendUnaryData<Buffer>): Promise<void> {
    try {
      const honest = await this.#ask(path, call);
      this.#remember(path, honest);
      if (this.delayMs > 0) await setTimeout(this.delayMs);
      const [answer = Buffer.alloc(0)] = await this.#tell(path, honest);
      reply(null, answer);
    } catch (error) {
      reply(error as ServiceError);
    }
  }

  /** The honest answer; its headers are passed on. */
  #ask(path: string, call: UnaryCall): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const options = { deadline: call.getDeadline() };
      const asked = this.#upstream.makeUnaryRequest(
        path,
        raw,
        raw,
        call.request,
        call.metadata,
        options,
        (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
      );
      asked.on('metadata', (headers) => call.sendMetadata(headers));
      call.on('cancelled', () => asked.cancel());
    });
  }

  #stream(path: string, call: StreamCall): void {
    const upstream = this.#upstream.makeServerStreamRequest(path, raw, raw, call.request, call.metadata);
    this.#streams.add(call);
    let last = Promise.resolve();
    const end = (how: () => void): void => {
      this.#streams.delete(call);
      last = last.then(how, how);
    };
    upstream.on('metadata', (headers: Metadata) => call.sendMetadata(headers));
    upstream.on('data', (honest: Buffer) => {
      this.#remember(path, honest);
      last = last
        .then(() => this.#tell(path, honest))
        .then((messages) => {
          for (const message of messages) call.write(message);
        })
        .catch((error: unknown) => void call.emit('error', error));
    });
    upstream.on('end', () => end(() => call.end()));
    upstream.on('error', (error) => end(() => void call.emit('error', error)));
    call.on('error', () => upstream.cancel());
    call.on('cancelled', () => {
      this.#streams.delete(call);
      upstream.cancel();
    });
  }

  #remember(path: string, honest: Buffer): void {
    const known = this.answers.get(path) ?? [];
    this.answers.set(path, known);
    if (known.length < 64) known.push(honest);
  }

  /** What is answered instead: nothing, one message or more. Throws a status. */
  async #tell(path: string, honest: Buffer): Promise<Buffer[]> {
    const lie = this.#lie;
    if (lie === undefined || lie.method !== path) return [honest];
    this.told++;
    if (lie.kind !== 'answer') return [Buffer.from(rewriteField(honest, lie))];
    const [word, code] = lie.change.split(' ');
    if (word === 'status') throw { code: Number(code), details: 'made up', metadata: new Metadata() };
    switch (lie.change) {
      case 'empty':
        return [Buffer.alloc(0)];
      case 'garbage':
        return [Buffer.alloc(40, 0xff)];
      case 'half':
        return [honest.subarray(0, honest.length >> 1)];
      case '20 MiB of zeros':
        return [Buffer.alloc(20 * 2 ** 20)];
      case 'twice over':
        return [honest, honest];
      case '3 s late':
        await setTimeout(LATE_MS);
        return [honest];
      case 'never':
        await new Promise<void>((resolve) => this.#onEnd.add(resolve));
        return [honest];
      case 'an answer of before':
        return [this.answers.get(path)?.[0] ?? honest];
      default:
        throw new Error(`no such lie: ${lie.name}`);
    }
  }
}
