import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BadRequestSchema, RetryInfoSchema } from '../../../src/gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../../src/gen/google/rpc/status_pb.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { SubscriptionService } from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import { SomaClient } from '../../../src/soma/client/index.js';
import {
  diagnoseEndpoint,
  GrpcError,
  GrpcTransport,
  type GrpcTransportDeps,
  type GrpcTransportOptions,
  methodPath,
  parseEndpoint,
  type ResponseHeaders,
} from '../../../src/soma/client/transport/index.js';
import { until } from '../../until.js';
import { portOf, StatusError, TestServer } from './grpc-server.js';
import { selfSigned } from './self-signed.js';
import { TcpProxy } from './tcp-proxy.js';

const { getServiceInfo, getObject, getEpoch, getTransaction, getCheckpoint } = LedgerService.method;
const { subscribeCheckpoints } = SubscriptionService.method;

/** Head of an HTTP/2 PING frame that is not an acknowledgement. */
const PING = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]);

/** Bytes as the node sends them: the type URL has no host part. */
function detailsBytes(): Uint8Array {
  const badRequest = anyPack(
    BadRequestSchema,
    create(BadRequestSchema, {
      fieldViolations: [{ field: 'requests[1].object_id', description: 'no hex', reason: 'FIELD_INVALID' }],
    }),
  );
  const retry = anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 500_000_000 } }));
  return toBinary(
    StatusSchema,
    create(StatusSchema, {
      code: 3,
      message: 'no hex',
      details: [
        { ...badRequest, typeUrl: '/google.rpc.BadRequest' },
        { ...retry, typeUrl: '/google.rpc.RetryInfo' },
        { $typeName: 'google.protobuf.Any', typeUrl: '/google.rpc.Unheard', value: new Uint8Array([255]) },
      ],
    }),
  );
}

/** A status that asks for a retry after so many seconds. */
function retryAfterBytes(seconds: bigint): Uint8Array {
  const retry = anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds, nanos: 0 } }));
  return toBinary(StatusSchema, create(StatusSchema, { code: 14, message: 'busy', details: [retry] }));
}

async function failure(promise: Promise<unknown>): Promise<GrpcError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GrpcError);
  return error as GrpcError;
}

describe.each([false, true])('GrpcTransport, calls in a thread of their own: %s', (threaded) => {
  const server = new TestServer();
  let transport: GrpcTransport;
  const open = (options: GrpcTransportOptions, deps: GrpcTransportDeps = {}): GrpcTransport => {
    const opened = new GrpcTransport(options, deps);
    for (const method of Object.values(LedgerService.method)) if (threaded) opened.useThread(methodPath(method));
    return opened;
  };
  let openStreams = 0;

  beforeAll(async () => {
    await server
      .add(LedgerService, {
        getServiceInfo: () => ({ chain: 'localnet', epoch: 7n }),
        getObject: () => {
          throw new StatusError(status.INVALID_ARGUMENT, 'no hex', detailsBytes());
        },
        getTransaction: (request: { digest: string }) => {
          throw new StatusError(Number(request.digest), 'as asked');
        },
        getEpoch: () => new Promise(() => {}),
        getCheckpoint: () => ({ checkpoint: { digest: 'x'.repeat(70_000) } }),
      })
      .add(SubscriptionService, {
        subscribeCheckpoints: async function* () {
          openStreams++;
          for (let cursor = 1n; cursor <= 3n; cursor++) yield { cursor };
          throw new StatusError(status.UNAVAILABLE, 'too many existing subscriptions');
        },
      })
      .start();
    transport = open({ url: server.url });
    await transport.threadReady();
    // The thread is busy from now on: a call that is alone would not be made there.
    for (let call = 0; threaded && call < 2; call++) transport.unary(getEpoch, {}, { timeoutMs: 0 }).catch(() => {});
  });
  afterAll(() => {
    transport.close();
    server.stop();
  });

  it('answers unary calls and shows the response headers', async () => {
    let headers: ResponseHeaders = {};
    const info = await transport.unary(getServiceInfo, {}, { onHeaders: (h) => (headers = h) });
    expect(info.epoch).toBe(7n);
    expect(info.checkpointHeight).toBeUndefined();
    expect(headers).toMatchObject({ 'x-soma-epoch': '7', 'x-soma-chain': 'localnet' });
  });

  it('reads google.rpc.Status details whose type URLs have no host', async () => {
    const error = await failure(transport.unary(getObject, { objectId: 'zz' }));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.grpcStatus).toBe('INVALID_ARGUMENT');
    expect(error.fromServer).toBe(true);
    expect(error.statusDetails.fieldViolations).toEqual([
      { field: 'requests[1].object_id', description: 'no hex', reason: 'FIELD_INVALID' },
    ]);
    expect(error.statusDetails.retryDelayMs).toBe(1500);
    expect(error.details).toMatchObject({ field: 'requests[1].object_id', retryAfterMs: 1500 });
  });

  it.each([
    [status.NOT_FOUND, 'NOT_FOUND', false],
    [status.ALREADY_EXISTS, 'ALREADY_EXISTS', false],
    [status.PERMISSION_DENIED, 'PERMISSION_DENIED', false],
    [status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', true],
    [status.FAILED_PRECONDITION, 'FAILED_PRECONDITION', false],
    [status.ABORTED, 'CONFLICT', true],
    [status.UNIMPLEMENTED, 'UNSUPPORTED', false],
    [status.INTERNAL, 'REMOTE_FAILURE', true],
    [status.UNAVAILABLE, 'OVERLOADED', true],
    [status.UNAUTHENTICATED, 'UNAUTHENTICATED', false],
    [status.DATA_LOSS, 'PROTOCOL', false],
  ] as const)('maps status %i to %s', async (code, expected, retryable) => {
    const error = await failure(transport.unary(getTransaction, { digest: String(code) }));
    expect([error.code, error.retryable]).toEqual([expected, retryable]);
    expect(error.message).toContain('as asked');
  });

  it('tries again while the node is overloaded, as often as it is told', async () => {
    let calls = 0;
    const flaky = await new TestServer()
      .add(LedgerService, {
        getServiceInfo: () => {
          if (++calls % 3 !== 0) throw new StatusError(status.UNAVAILABLE, 'busy');
          return { epoch: 1n };
        },
        getObject: () => {
          calls++;
          throw new StatusError(status.NOT_FOUND, 'none');
        },
      })
      .start();
    const other = open({ url: flaky.url }, { sleep: async () => {} });
    expect((await other.unary(getServiceInfo, {})).epoch).toBe(1n);
    expect(calls).toBe(3);
    expect((await failure(other.unary(getServiceInfo, {}, { attempts: 2 }))).code).toBe('OVERLOADED');
    expect(calls).toBe(5);
    await failure(other.unary(getObject, {}));
    expect(calls).toBe(6);
    other.close();
    flaky.stop();
  });

  it('waits at most five minutes, whatever the node asks for', async () => {
    const seconds = [2n, 2_000_000n, 2n ** 62n, -(2n ** 62n)];
    let calls = 0;
    const asking = await new TestServer()
      .add(LedgerService, {
        getServiceInfo: () => {
          const asked = seconds[calls++];
          if (asked === undefined) return { epoch: 1n };
          throw new StatusError(status.UNAVAILABLE, 'busy', retryAfterBytes(asked));
        },
      })
      .start();
    const waits: number[] = [];
    const other = open({ url: asking.url }, { sleep: async (ms) => void waits.push(ms), random: () => 0 });
    expect((await other.unary(getServiceInfo, {}, { attempts: 5 })).epoch).toBe(1n);
    expect(waits).toEqual([2_000, 300_000, 300_000, 600]);
    other.close();
    asking.stop();
  });

  it('gives up at the deadline', async () => {
    // The server never answers.
    const error = await failure(transport.unary(getEpoch, {}, { timeoutMs: 150 }));
    expect(error.code).toBe('TIMEOUT');
  });

  it('is aborted by its signal, before and during the call', async () => {
    await expect(transport.unary(getEpoch, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const controller = new AbortController();
    const pending = transport.unary(getEpoch, {}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('refuses messages above the limits', async () => {
    const small = open({ url: server.url, readMaxBytes: 1000, writeMaxBytes: 1000 });
    expect((await failure(small.unary(getCheckpoint, {}))).code).toBe('DATA_TOO_LARGE');
    await expect(small.unary(getTransaction, { digest: 'x'.repeat(2000) })).rejects.toMatchObject({
      code: 'DATA_TOO_LARGE',
      details: { maxBytes: 1000 },
    });
    small.close();
  });

  it('streams until the other side ends with a status', async () => {
    const cursors: (bigint | undefined)[] = [];
    const stream = (async () => {
      for await (const item of transport.serverStream(subscribeCheckpoints, {})) cursors.push(item.cursor);
    })();
    expect((await failure(stream)).code).toBe('OVERLOADED');
    expect(cursors).toEqual([1n, 2n, 3n]);
  });

  it('ends a stream when its consumer leaves', async () => {
    const before = openStreams;
    for await (const item of transport.serverStream(subscribeCheckpoints, {})) {
      expect(item.cursor).toBe(1n);
      break;
    }
    expect(openStreams).toBe(before + 1);
  });

  it('cancels calls in flight when closed, and refuses new ones', async () => {
    const other = open({ url: server.url });
    const pending = other.unary(getEpoch, {});
    await other.unary(getServiceInfo, {});
    other.close();
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(other.unary(getServiceInfo, {})).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('the thread that makes calls', () => {
  const server = new TestServer();
  const workers: Worker[] = [];
  const note = (worker: Worker): void => void workers.push(worker);
  let proxy: TcpProxy;
  let transport: GrpcTransport;

  beforeEach(async () => {
    process.on('worker', note);
    proxy = await TcpProxy.start(server.url);
    transport = new GrpcTransport({ url: proxy.url, keepAliveMs: 50 });
    transport.useThread(methodPath(getServiceInfo));
  });
  afterEach(async () => {
    process.off('worker', note);
    workers.length = 0;
    transport.close();
    await proxy.close();
  });
  /** How long the next calls take, milliseconds. */
  const delays: number[] = [];
  const serve = async () => {
    const ms = delays.shift();
    return ms === undefined ? { epoch: 7n } : later(ms, { epoch: 7n });
  };
  beforeAll(() => server.add(LedgerService, { getServiceInfo: serve }).start());
  afterAll(() => server.stop());

  it('interrupts the caller once for answers that come within some milliseconds', async () => {
    await transport.threadReady();
    const each = Array.from({ length: 20 }, (_, call) => 20 + 3 * call);
    let messages = 0;
    workers[0]!.on('message', () => void messages++);
    // The first rounds make the runtime compile.
    for (let round = 0; round < 4; round++) {
      messages = 0;
      delays.push(...each);
      await Promise.all(each.map(() => transport.unary(getServiceInfo, {})));
      expect(delays).toHaveLength(0);
    }
    expect(messages).toBeLessThanOrEqual(13);
  });

  it('is started again when it has died, and calls are made meanwhile', async () => {
    await transport.threadReady();
    await workers[0]!.terminate();
    expect((await transport.unary(getServiceInfo, {})).epoch).toBe(7n);
    await transport.threadReady();
    expect(workers).toHaveLength(2);
    const { accepted } = proxy;
    expect((await transport.unary(getServiceInfo, {})).epoch).toBe(7n);
    expect(proxy.accepted).toBe(accepted);
  });

  it('makes the calls that are made together, and leaves one that is alone to the connection that is there', async () => {
    await transport.threadReady();
    const posted = vi.spyOn(workers[0]!, 'postMessage');
    // The first of all goes to the thread's connection, as there is no other yet.
    await transport.unary(getServiceInfo, {});
    expect([posted.mock.calls.length, proxy.accepted]).toEqual([1, 1]);
    const stream = transport.serverStream(subscribeCheckpoints, {});
    await expect(stream.next()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(proxy.accepted).toBe(2);
    expect((await transport.unary(getServiceInfo, {})).epoch).toBe(7n);
    expect(posted).toHaveBeenCalledTimes(1);
    const both = await Promise.all([transport.unary(getServiceInfo, {}), transport.unary(getServiceInfo, {})]);
    expect(both.map(({ epoch }) => epoch)).toEqual([7n, 7n]);
    expect([posted.mock.calls.length, proxy.accepted]).toEqual([2, 2]);
  });

  it('is no longer awaited when it ends before it is ready', async () => {
    const waiting = transport.threadReady();
    await until(() => workers.length > 0, 'the thread');
    await workers[0]!.terminate();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('keeps its connection alive between calls, and makes a new one when it is lost', async () => {
    let pings = 0;
    proxy.onClientBytes = (bytes) => void (bytes.includes(PING) && pings++);
    await transport.threadReady();
    await until(() => pings >= 2, 'pings');
    expect(proxy.accepted).toBe(1);
    proxy.cut();
    proxy.restore();
    await until(() => proxy.accepted === 2, 'a new connection');
  });
});

describe('TLS', () => {
  const { keyPem, certPem } = selfSigned();
  const server = new TestServer().add(LedgerService, { getServiceInfo: () => ({ epoch: 9n }) });
  let url = '';
  beforeAll(async () => {
    const pair = { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(certPem) };
    await server.start(ServerCredentials.createSsl(null, [pair]));
    url = server.url.replace('http:', 'https:').replace('127.0.0.1', 'localhost');
  });
  afterAll(() => server.stop());

  it('is used with https: endpoints whose certificate is trusted', async () => {
    const transport = new GrpcTransport({ url, tls: { caPem: certPem } });
    expect((await transport.unary(getServiceInfo, {})).epoch).toBe(9n);
    expect(await diagnoseEndpoint(transport.endpoint, { caPem: certPem })).toBeUndefined();
    transport.close();
  });

  it('refuses an untrusted certificate, and says so', async () => {
    const transport = new GrpcTransport({ url });
    expect((await failure(transport.unary(getServiceInfo, {}))).code).toBe('UNREACHABLE');
    expect(await diagnoseEndpoint(transport.endpoint)).toMatchObject({ code: 'TLS' });
    await expect(SomaClient.connect({ url })).rejects.toMatchObject({
      code: 'TLS',
      hint: 'check the certificate and the host name',
    });
    transport.close();
  });

  it('is recognised behind http:', async () => {
    await expect(SomaClient.connect({ url: server.url })).rejects.toMatchObject({
      code: 'TLS',
      hint: 'use https: in the URL',
    });
  });
});

describe('an endpoint that does not work', () => {
  it.each(['nonsense', 'ftp://127.0.0.1', 'http://user@127.0.0.1', 'http://127.0.0.1/path', 'http://127.0.0.1?a=b'])(
    'refuses the URL %s',
    (url) => {
      expect(() => parseEndpoint(url)).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );

  it('recognises a refused connection', async () => {
    const transport = new GrpcTransport({ url: 'http://127.0.0.1:1' });
    const error = await failure(transport.unary(getServiceInfo, {}));
    expect([error.code, error.fromServer]).toEqual(['UNREACHABLE', false]);
    transport.close();
    expect(await diagnoseEndpoint(transport.endpoint)).toMatchObject({
      code: 'UNREACHABLE',
      details: { errno: 'ECONNREFUSED' },
    });
  });

  it('tells TLS from plain text, and gRPC from other protocols', async () => {
    const grpc = await new TestServer().add(LedgerService, { getServiceInfo: () => ({}) }).start();
    const http = createHttpServer((_, response) => response.end('hello'));
    const silent = createTcpServer(() => {});
    for (const each of [http, silent]) await new Promise<void>((done) => each.listen(0, '127.0.0.1', done));
    try {
      const at = (port: number, scheme = 'http') => parseEndpoint(`${scheme}://127.0.0.1:${port}`);
      const grpcPort = Number(new URL(grpc.url).port);
      expect(await diagnoseEndpoint(at(grpcPort))).toBeUndefined();
      expect(await diagnoseEndpoint(at(grpcPort, 'https'))).toMatchObject({ code: 'TLS' });
      expect(await diagnoseEndpoint(at(portOf(http)))).toMatchObject({ code: 'PROTOCOL' });
      expect(await diagnoseEndpoint(at(portOf(silent)), {}, 200)).toMatchObject({ code: 'TIMEOUT' });
    } finally {
      grpc.stop();
      http.close();
      silent.close();
    }
  });
});
