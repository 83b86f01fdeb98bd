import { join } from 'node:path';
import { type DevnetOptions, type SpawnedDevnet, spawnDevnet } from '../devnet/soma/index.js';
import { makeDirectory } from '../files/make-directory.js';
import { HttpHost } from '../hosting/index.js';
import { normalArray } from '../random/arrgen.js';
import { Keypair } from '../soma/chain/index.js';
import { SomaClient } from '../soma/client/soma-client.js';
import { ModelPublication } from '../soma/publish/index.js';
import { type EmbeddingSpectrum, generateWeights } from '../weights/generate.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../weights/model-config.js';

export interface DemoNetworkOptions {
  /** Directory for weights and hosted files; the caller removes it. */
  readonly dir: string;
  /** Shape of the models; targets have the width of its embeddings. */
  readonly modelConfig: ModelConfigName;
  /** Number of models to publish. A target has three competing models, so 3 makes the winner vary. */
  readonly models: number;
  /** Cosine distance within which targets are hit, for the whole run. Default: the embedded network's. */
  readonly distanceThreshold?: number | undefined;
  /** Spread of the models' embeddings. Default `isotropic`. */
  readonly spectrum?: EmbeddingSpectrum | undefined;
  /** Further options of the embedded network. */
  readonly devnet?: DevnetOptions | undefined;
  readonly signal: AbortSignal;
}

/** Progress of the setup. */
export type DemoNetworkStep =
  | { readonly step: 'serving'; readonly rpcUrl: string; readonly pid: number }
  | { readonly step: 'generating'; readonly model: number; readonly writtenBytes: number; readonly totalBytes: number }
  | { readonly step: 'published'; readonly model: number; readonly modelId: string; readonly sizeBytes: number }
  | { readonly step: 'epoch'; readonly epoch: bigint };

/** A local network in its own process, with published models and open targets. */
export interface DemoNetwork {
  readonly devnet: SpawnedDevnet;
  readonly client: SomaClient;
  /** Closes the client and ends the network's process. */
  close(): Promise<void>;
}

/** Each model stakes 1 SOMA; one faucet request gives coins of 2 SOMA. */
const FAUCET_REQUESTS_PER_MODEL = 1;
const COMMISSION_BPS = 1_000;

/**
 * Boots the embedded network and brings it to the point where mining can start, using the same transactions as any
 * user: models are created and committed in epoch 0 and revealed in epoch 1; targets appear in epoch 2.
 */
export async function startDemoNetwork(
  options: DemoNetworkOptions,
  onStep: (step: DemoNetworkStep) => void,
): Promise<DemoNetwork> {
  const { signal, modelConfig } = options;
  const shape = MODEL_CONFIGS[modelConfig];
  const devnet = await spawnDevnet(
    {
      ...options.devnet,
      embeddingDim: options.devnet?.embeddingDim ?? shape.embeddingDim,
      modelConfig: options.devnet?.modelConfig ?? shape,
      initialDistanceThreshold: options.devnet?.initialDistanceThreshold ?? options.distanceThreshold,
    },
    { signal },
  );
  const closers: (() => Promise<void> | void)[] = [() => devnet.close()];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    onStep({ step: 'serving', rpcUrl: devnet.rpcUrl, pid: devnet.pid });
    const { rpcUrl: url, faucetUrl, adminUrl } = devnet;
    const client = await SomaClient.connect({ url, faucetUrl, adminUrl, signal });
    closers.push(() => client.close());
    const host = await HttpHost.listen({ dir: join(options.dir, 'published'), port: 0 });
    closers.push(() => host.close());
    const publisher = Keypair.generate();
    const account = client.account(publisher);
    for (let i = 0; i < options.models * FAUCET_REQUESTS_PER_MODEL; i++) {
      await client.requestFaucet(publisher.address, { signal });
    }
    makeDirectory(join(options.dir, 'models'));
    const publications: ModelPublication[] = [];
    for (let model = 1; model <= options.models; model++) {
      const path = join(options.dir, 'models', `model-${model}.safetensors`);
      await generateWeights(shape, BigInt(model), path, {
        signal,
        spectrum: options.spectrum,
        onProgress: (writtenBytes, totalBytes) => onStep({ step: 'generating', model, writtenBytes, totalBytes }),
      });
      const embedding = normalArray(BigInt(1_000 + model), shape.embeddingDim);
      const publication = new ModelPublication(
        { path, shape, embedding, commissionRateBps: COMMISSION_BPS, signal },
        { client, account, hostFile: (checksum, file) => host.publishFile(checksum, file) },
      );
      const { modelId = '', sizeBytes } = await publication.commit();
      publications.push(publication);
      onStep({ step: 'published', model, modelId, sizeBytes });
    }
    onStep({ step: 'epoch', epoch: await client.advanceEpoch({ signal }) });
    for (const publication of publications) await publication.reveal();
    onStep({ step: 'epoch', epoch: await client.advanceEpoch({ signal }) });
    return { devnet, client, close };
  } catch (error) {
    await close();
    throw error;
  }
}
