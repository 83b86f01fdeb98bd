import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import {
  type FleetConnection,
  FleetEngine,
  KeptRows,
  ModelShelf,
  openFleet,
  RowKeeper,
  readSharedWeights,
  ScorerNode,
} from '../../src/fleet/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { weightsIdentity } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { until } from '../until.js';
import { f32Engine } from './f32-engine.js';
import { type Published, publishModels } from './published-models.js';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** The permissions that docs/fleet.md gives for a scorer of the fleet `default`. */
const SCORER = `{
  publish: ["quarry.default.answer.>", "$JS.API.CONSUMER.MSG.NEXT.QUARRY_default.>", "$JS.ACK.QUARRY_default.>",
            "$KV.quarry_default_scorers.>", "$JS.API.STREAM.INFO.>", "$JS.API.STREAM.NAMES",
            "$JS.API.CONSUMER.CREATE.KV_quarry_default_models.>", "$JS.API.CONSUMER.DELETE.KV_quarry_default_models.>",
            "$JS.API.CONSUMER.INFO.KV_quarry_default_models.>", "$JS.API.INFO", "$JS.FC.>",
            "$JS.API.STREAM.MSG.GET.OBJ_quarry_default_weights", "$JS.API.CONSUMER.CREATE.OBJ_quarry_default_weights.>",
            "$JS.API.CONSUMER.DELETE.OBJ_quarry_default_weights.>", "$JS.API.CONSUMER.INFO.OBJ_quarry_default_weights.>", "quarry.default.rows.here"]
  subscribe: ["_INBOX.>", "quarry.default.rows.scan", "quarry.default.rows.bytes.*"]
  allow_responses: { max: 1000, expires: "1m" }
}`;

let dir: string;
let server: NatsServer;
let published: Published;
const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });

/** A certificate for localhost signed by an authority made for it. */
function makeCertificates(): void {
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: dir });
    if (status !== 0) throw new Error(String(stderr));
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=nats');
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san.txt', '-days', '2'];
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...sign);
}

beforeAll(async () => {
  if (!hasNatsServer || !hasOpenssl) return;
  dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-tls-'));
  await writeFile(join(dir, 'san.txt'), 'subjectAltName=DNS:localhost');
  makeCertificates();
  const users = { coordinator: nkeys.createUser(), scorer: nkeys.createUser(), stranger: nkeys.createUser() };
  for (const [name, user] of Object.entries(users)) await writeFile(join(dir, `${name}.nk`), user.getSeed());
  const config = join(dir, 'nats.conf');
  await writeFile(
    config,
    `tls { cert_file: "${dir}/server.pem", key_file: "${dir}/server.key" }
authorization { users: [
  { nkey: ${users.coordinator.getPublicKey()} }
  { nkey: ${users.scorer.getPublicKey()}, permissions: ${SCORER} }
] }`,
  );
  server = await startNatsServer(dir, ['-c', config]);
  published = await publishModels(dir, 1);
});
afterAll(async () => {
  await server?.close();
  await published?.close();
  await http.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

function openAs(
  name: string,
  more: { readonly caFile?: string; readonly fleet?: string } = {},
): Promise<FleetConnection> {
  const credentials = join(dir, `${name}.nk`);
  return openFleet({
    ...{ url: `tls://localhost:${server.port}`, fleet: 'default', name },
    ...{ credentials, caFile: join(dir, 'ca.pem'), ...more },
  });
}

describe.skipIf(!hasNatsServer || !hasOpenssl)('a fleet behind TLS and nkeys', () => {
  it('scores with the permissions that the documentation gives scorers', async () => {
    const coordinator = await openAs('coordinator');
    const engine = await FleetEngine.open(
      { verifyShare: 0, shareWeights: true, onWarning: () => {} },
      { fleet: coordinator, local: f32Engine() },
    );
    const fleet = await openAs('scorer');
    const weights = new WeightsCache({ dir: join(dir, 'cache') }, { http });
    const models = new ModelShelf({ most: 2 }, { weights, engineFor: async () => f32Engine() });
    const node = new ScorerNode(
      { label: () => 'test', mostSamples: 8, batchMs: 200, onWarning: () => {} },
      { fleet, models },
    );
    const stop = new AbortController();
    const kept = new KeptRows(join(dir, 'rows'), { models, known: () => node.known, onWarning: () => {} });
    const limits = { mostSamples: 8, batchMs: 200, onWarning: () => {} };
    const keeper = new RowKeeper({ ...limits, scorer: node.id }, { fleet, rows: kept });
    const running = Promise.all([node.run(stop.signal), keeper.run(stop.signal)]);
    const [manifest] = published.models;
    const file = await weights.open(manifest!);
    const model = await engine.load(file, MODEL_CONFIGS.small, { published: manifest! });
    await file.close();
    const scores = await model.score([Uint8Array.of(1, 2, 3)]);
    expect(Number.isFinite(scores[0]?.loss)).toBe(true);
    let shared = 0;
    for await (const piece of readSharedWeights(fleet, manifest!)) shared += piece.byteLength;
    expect(shared).toBe(manifest!.sizeBytes);
    const target = {
      ...{ id: 'any', embedding: new Float32Array(MODEL_CONFIGS.small.embeddingDim).fill(1), threshold: 2 },
      models: [{ architecture: 'v1', checksum: weightsIdentity(manifest!) }],
    };
    const policy = { exclude: () => [], freshOnly: false, maxParts: 0, fewest: false };
    const rows = await engine.rows({ gatherMs: 10_000, keepThere: true });
    expect(await rows.keep!(Uint8Array.of(4, 5, 6), stop.signal)).toBe(true);
    await until(() => rows.rows === 1, 'the keeper to be heard of');
    const found: unknown[] = [];
    await rows.find([target], policy, async (sample) => found.push((await sample.fetch())?.bytes) > 0);
    expect(found).toEqual([Uint8Array.of(4, 5, 6)]);
    // What is not a scorer's business is refused by the server.
    await expect(fleet.jsm.streams.purge(fleet.stream)).rejects.toThrow(/permission/i);
    stop.abort();
    await running;
    await models.close();
    await fleet.close();
    await engine.close();
  });

  it('lets no stranger in, and no scorer into another fleet', async () => {
    await expect(openAs('stranger')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(openAs('scorer', { fleet: 'other' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('talks to no server whose certificate it does not know', async () => {
    await expect(openAs('coordinator', { caFile: undefined as never })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
