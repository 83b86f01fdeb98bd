import { Server } from '@grpc/grpc-js';
import { addBcsMethod } from '../../src/devnet/soma/rpc/bcs-service.js';
import { type Listening, listenShared } from '../../src/devnet/soma/shared-port-server.js';
import { createJsEngine } from '../../src/engine/js/index.js';
import { cosineDistance, selectBest } from '../../src/engine/reference/index.js';
import { bcs, cryptWeights, digestToBytes } from '../../src/soma/chain/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';

interface ScoreRequest {
  readonly dataUrl: string;
  readonly dataChecksum: string;
  readonly dataSize: bigint;
  readonly models: readonly { url: string; checksum: string; size: bigint; key: string | undefined }[];
  readonly target: readonly number[];
  readonly seed: bigint;
}

interface ScoreResponse {
  readonly winner: bigint;
  readonly loss: readonly number[];
  readonly embedding: readonly number[];
  readonly distance: readonly number[];
}

const { bool, option, string, struct, u32, u64, unit, vector } = bcs;

const bitsOf = (values: Iterable<number>): number[] => [...new Uint32Array(Float32Array.from(values).buffer)];
const floatsOf = (bits: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(bits).buffer);

async function bytesAt(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

/** Scores with the reference engine. */
async function score(request: ScoreRequest): Promise<ScoreResponse> {
  const engine = createJsEngine();
  const data = await bytesAt(request.dataUrl);
  const scores = [];
  for (const { url, key } of request.models) {
    const encrypted = await bytesAt(url);
    const plain = key === undefined ? encrypted : cryptWeights(encrypted, digestToBytes(key));
    const model = await engine.load(safetensorsFromBytes(plain), MODEL_CONFIGS.small);
    scores.push((await model.score([data], { seed: request.seed }))[0]!);
  }
  const winner = selectBest(scores.map(({ loss }) => loss));
  if (winner === undefined) throw new Error('no model to score with');
  const best = scores[winner]!;
  return {
    winner: BigInt(winner),
    loss: bitsOf([best.loss]),
    embedding: bitsOf(best.embedding),
    distance: bitsOf([cosineDistance(best.embedding, floatsOf(request.target))]),
  };
}

/** A scoring service as `soma start scoring` runs one, for models of the small shape. */
export async function startScoringServer(port: number): Promise<Listening> {
  const grpc = new Server();
  addBcsMethod(grpc, {
    path: '/scoring.Scoring/Health',
    request: unit,
    response: struct<{ readonly ok: boolean }>({ ok: bool }),
    handle: async () => ({ ok: true }),
  });
  addBcsMethod(grpc, {
    path: '/scoring.Scoring/Score',
    request: struct<ScoreRequest>({
      dataUrl: string,
      dataChecksum: string,
      dataSize: u64,
      models: vector(
        struct<ScoreRequest['models'][number]>({ url: string, checksum: string, size: u64, key: option(string) }),
      ),
      target: vector(u32),
      seed: u64,
    }),
    response: struct<ScoreResponse>({ winner: u64, loss: vector(u32), embedding: vector(u32), distance: vector(u32) }),
    handle: score,
  });
  return listenShared({ host: '127.0.0.1', port }, { grpc, http: (_request, response) => void response.end() });
}
