import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { bearerMatches, hostAndPort, isLoopbackHost } from '../../net/index.js';
import { bcs } from '../../soma/chain/index.js';
import {
  SCORE,
  SCORE_REQUEST,
  SCORE_RESPONSE,
  SCORING_HEALTH,
  SCORING_HEALTH_RESPONSE,
} from '../../soma/services/index.js';
import type { ScoringService } from './scoring-service.js';

export interface ServeOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** If set, every call must carry `authorization: Bearer <token>`. Required unless `host` is loopback. */
  readonly token?: string | undefined;
}

/** A running server. */
export interface Serving {
  readonly url: string;
  close(): Promise<void>;
}

/** Requests hold URLs, digests and one embedding: a few kilobytes. */
const MOST_REQUEST_BYTES = 1 << 20;

/**
 * Serves `/scoring.Scoring/Score` and `/scoring.Scoring/Health`, BCS inside gRPC, without TLS.
 *
 * @throws QuarryError `CONFIG_MISSING` when `host` is not loopback and no token is set
 * @throws QuarryError `CONFLICT` when the port is taken
 */
export async function serveScoring(options: ServeOptions, service: Pick<ScoringService, 'score'>): Promise<Serving> {
  const { host, port, token } = options;
  assertTokenBeyondLoopback(options);
  const server = new Server({ 'grpc.max_receive_message_length': MOST_REQUEST_BYTES });
  addMethod(server, SCORE.path, SCORE_REQUEST, SCORE_RESPONSE, token, (request) => service.score(request));
  addMethod(server, SCORING_HEALTH.path, bcs.unit, SCORING_HEALTH_RESPONSE, token, async () => ({ ok: true }));
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(hostAndPort(host, port), ServerCredentials.createInsecure(), (error, actual) => {
      if (error === null) resolve(actual);
      else reject(new QuarryError('CONFLICT', `cannot listen on ${host}:${port}`, { cause: error, retryable: false }));
    });
  });
  return {
    url: `http://${hostAndPort(host, bound)}`,
    close: async () => server.forceShutdown(),
  };
}

/** @throws QuarryError `CONFIG_MISSING` when `host` is not loopback and no token is set */
export function assertTokenBeyondLoopback({ host, token }: Pick<ServeOptions, 'host' | 'token'>): void {
  if (isLoopbackHost(host) || (token !== undefined && token !== '')) return;
  throw new QuarryError('CONFIG_MISSING', `listening on ${host} lets others use this machine and needs a token`, {
    hint: 'set QUARRY_API_TOKEN, or listen on 127.0.0.1',
  });
}

function addMethod<I, O>(
  server: Server,
  path: string,
  request: bcs.Codec<I>,
  response: bcs.Codec<O>,
  token: string | undefined,
  handle: (request: I) => Promise<O>,
): void {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const answer = async (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>): Promise<void> => {
    if (!isAuthorised(call.metadata, token)) {
      callback({ code: status.UNAUTHENTICATED, details: 'a bearer token is required' });
      return;
    }
    try {
      callback(null, await handle(call.request));
    } catch (error) {
      const failure = toQuarryError(error, 'scoring');
      const code = failure.code === 'INVALID_ARGUMENT' ? status.INVALID_ARGUMENT : status.INTERNAL;
      callback({ code, details: failure.message });
    }
  };
  server.addService(
    {
      [name]: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: I) => Buffer.from(bcs.encodeBcs(request, value)),
        requestDeserialize: (bytes: Buffer) => bcs.decodeBcs(request, bytes, `${name} request`),
        responseSerialize: (value: O) => Buffer.from(bcs.encodeBcs(response, value)),
        responseDeserialize: (bytes: Buffer) => bcs.decodeBcs(response, bytes, `${name} response`),
      },
    },
    { [name]: (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>) => void answer(call, callback) },
  );
}

function isAuthorised(metadata: Metadata, token: string | undefined): boolean {
  if (token === undefined || token === '') return true;
  return bearerMatches(metadata.get('authorization')[0]?.toString(), token);
}
