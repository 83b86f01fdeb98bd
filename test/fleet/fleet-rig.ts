import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import type { LoadedModel, LoadOptions, Score, ScoringEngine } from '../../src/engine/index.js';
import type { QuarryError } from '../../src/errors/index.js';
import {
  type FleetConnection,
  FleetEngine,
  type FleetEngineOptions,
  ModelShelf,
  openFleet,
  ScorerNode,
} from '../../src/fleet/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { f32Engine } from './f32-engine.js';
import { type Published, publishModels } from './published-models.js';

/** What a scorer of a test does otherwise than it should. */
export interface ScorerHabits {
  /** Makes it lie. */
  readonly change?: (score: Score) => Score;
  /** The server it works for. Default: the rig's own. */
  readonly on?: NatsServer;
  readonly load?: ScoringEngine['load'];
  /** Waited for before each batch. */
  readonly before?: () => Promise<void> | undefined;
}

/** A scorer that runs in the process of the tests. */
export interface RunningScorer {
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Fleets for the tests of a file: one server, two published models, a fleet of its own for each test. */
export class FleetRig {
  readonly closers: (() => Promise<void>)[] = [];
  readonly warnings: QuarryError[] = [];
  readonly #http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
  #dir: string | undefined;
  #published: Published | undefined;
  #server: NatsServer | undefined;
  #fleets = 0;

  /** Registers the hooks of the file that calls it. */
  constructor() {
    beforeAll(() => this.#open());
    afterAll(() => this.#close());
    beforeEach(() => {
      this.#fleets++;
      this.warnings.length = 0;
    });
    afterEach(async () => {
      for (const close of this.closers.splice(0).reverse()) await close();
    });
  }

  get dir(): string {
    return this.#dir!;
  }

  get published(): Published {
    return this.#published!;
  }

  get server(): NatsServer {
    return this.#server!;
  }

  /** Name of the fleet of the test that runs. */
  get fleet(): string {
    return `test-${this.#fleets}`;
  }

  get place(): { readonly url: string; readonly fleet: string } {
    return { url: this.server.url, fleet: this.fleet };
  }

  /** A scorer of this process. */
  async startScorer({ change, on, load, before }: ScorerHabits = {}): Promise<RunningScorer> {
    const connection = await openFleet({ url: (on ?? this.server).url, fleet: this.fleet, name: 'scorer' });
    const engine = {
      ...changed(f32Engine(), change, before),
      ...(load && { load }),
    };
    const weights = this.cache(`cache-${this.fleet}-${Math.random()}`);
    const models = new ModelShelf({ most: 2 }, { weights, engineFor: async () => engine });
    const onWarning = (error: QuarryError): void => void this.warnings.push(error);
    const limits = { mostSamples: 8, batchMs: 200, onWarning };
    const node = new ScorerNode({ ...limits, label: () => 'test' }, { fleet: connection, models });
    const stop = new AbortController();
    const ended = node.run(stop.signal);
    ended.catch(() => {});
    let stopped: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      stop.abort();
      await ended.catch(() => {});
      await models.close();
      await connection.close();
    };
    const stopOnce = (): Promise<void> => {
      stopped ??= end();
      return stopped;
    };
    this.closers.push(stopOnce);
    return { ended, stop: stopOnce };
  }

  /** A connection that is closed with the test. */
  async connected(on = this.server): Promise<FleetConnection> {
    const connection = await openFleet({ url: on.url, fleet: this.fleet, name: 'test' });
    this.closers.push(() => connection.close());
    return connection;
  }

  async openEngine(options: Partial<FleetEngineOptions> = {}, on = this.server): Promise<FleetEngine> {
    const connection = await openFleet({ url: on.url, fleet: this.fleet, name: 'coordinator' });
    const onWarning = (error: QuarryError): void => void this.warnings.push(error);
    const engine = await FleetEngine.open(
      { verifyShare: 0, onWarning, ackWaitMs: 2_000, ...options },
      { fleet: connection, local: f32Engine() },
    );
    this.closers.push(() => engine.close());
    return engine;
  }

  /** Loads a published model, as the coordinator does. */
  async load(engine: ScoringEngine, options: LoadOptions = {}, which = 0): Promise<LoadedModel> {
    const manifest = this.published.models[which]!;
    const file = await this.cache().open(manifest);
    try {
      return await engine.load(file, MODEL_CONFIGS.small, { ...options, published: manifest });
    } finally {
      await file.close();
    }
  }

  /** Weights on the disk of the coordinator, or of another. */
  cache(name = 'coordinator'): WeightsCache {
    return new WeightsCache({ dir: join(this.dir, name) }, { http: this.#http });
  }

  /** What samples score under the first model. */
  truth(samples: readonly Uint8Array[]): Promise<Score[]> {
    return this.load(f32Engine()).then((model) => model.score(samples));
  }

  async #open(): Promise<void> {
    if (!hasNatsServer) {
      console.warn('SKIPPED: fleet tests need nats-server (apt-get install nats-server)');
      return;
    }
    this.#dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-'));
    this.#published = await publishModels(this.#dir, 2);
    this.#server = await startNatsServer(this.#dir);
  }

  async #close(): Promise<void> {
    await this.#server?.close();
    await this.#published?.close();
    await this.#http.close();
    if (this.#dir !== undefined) await rm(this.#dir, { recursive: true, force: true });
  }
}

/** Different texts to score. */
export const samples = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => new TextEncoder().encode(`sample number ${i}`));

function changed(
  engine: ScoringEngine,
  change: (score: Score) => Score = (score) => score,
  before?: () => Promise<void> | undefined,
): ScoringEngine {
  return {
    name: engine.name,
    device: engine.device,
    precision: engine.precision,
    close: () => engine.close(),
    load: async (weights, config) => {
      const model = await engine.load(weights, config);
      return {
        config,
        errorBound: model.errorBound,
        close: () => model.close(),
        score: async (samples, options) => {
          await before?.();
          return (await model.score(samples, options)).map(change);
        },
      };
    },
  };
}
