import { open, rename, rm, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { QuarryError, toQuarryError } from '../../../errors/index.js';
import { formatBytes } from '../../../output/index.js';
import type { ModelManifest } from '../../../soma/client/read/index.js';
import { createBlake2b256 } from '../../../weights/blake2b.js';
import { createWeightsCipher } from '../../../weights/decrypt.js';
import { download } from '../../../weights/download.js';
import { openSafetensors } from '../../../weights/safetensors.js';
import type { CliContext } from '../../context.js';
import { liveArea } from '../../live-area.js';
import { idArgument } from '../../parse-argument.js';
import { examples, sayJson, tell } from '../../print.js';
import { type SessionFlags, type SomaSession, withNetwork, withSession } from '../../soma-session.js';

interface FetchFlags extends SessionFlags {
  readonly out?: string;
  readonly decrypt?: boolean;
  readonly force?: boolean;
}

/** Adds `quarry models fetch`. */
export function addFetchCommand(models: Command, context: CliContext): void {
  withNetwork(models.command('fetch <id>').description("download a model's weights, verified against the chain"))
    .option('--out <file>', 'where to write them (default: <id>.safetensors, .encrypted without --decrypt)')
    .option('--decrypt', 'decrypt while downloading; the model must be revealed')
    .option('--force', 'replace the file if it exists')
    .addHelpText('after', examples('models fetch 0x… --decrypt --out model.safetensors', 'models fetch 0x… --json'))
    .action((id: string, flags: FetchFlags) => {
      const modelId = idArgument(id, 'model');
      return withSession(context, flags, (session) => fetchModel(session, modelId, flags));
    });
}

async function fetchModel(session: SomaSession, modelId: string, flags: FetchFlags): Promise<void> {
  const { client, context, signal } = session;
  const [manifest] = await client.getModelManifests([modelId], { signal });
  if (manifest === undefined) {
    throw new QuarryError('NOT_FOUND', `model ${modelId} is unknown or has published no weights`, {
      hint: 'list the models: quarry models list',
      facts: { modelId },
    });
  }
  const key = flags.decrypt ? manifest.decryptionKey : undefined;
  if (flags.decrypt && key === undefined) {
    throw new QuarryError('FAILED_PRECONDITION', `the key of model ${modelId} is not public yet`, {
      hint: 'it is once the model is revealed; without --decrypt the encrypted file is fetched',
    });
  }
  const file = flags.out ?? `${modelId}.${flags.decrypt ? 'safetensors' : 'encrypted'}`;
  if (!flags.force && (await stat(file).catch(() => undefined)) !== undefined) {
    throw new QuarryError('ALREADY_EXISTS', `${file} exists already`, { hint: 'name another --out, or add --force' });
  }
  const live = liveArea(context, flags);
  const bar = live.bar('weights', Number(manifest.size));
  const partial = `${file}.part`;
  try {
    await receive(session, manifest, key, partial, (received) => bar.update(received));
    // What decrypts to anything else was committed with another key.
    if (key !== undefined) await (await openSafetensors(partial, { checksum: '' })).close();
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw toQuarryError(error, `fetching the weights of ${modelId}`);
  } finally {
    live.clear();
  }
  const checksum = Buffer.from(manifest.checksum).toString('hex');
  const decrypted = key !== undefined;
  if (flags.json) sayJson(context, { modelId, file, sizeBytes: Number(manifest.size), checksum, decrypted });
  else {
    const state = decrypted ? 'decrypted' : 'still encrypted';
    tell(context, `${file}: ${formatBytes(Number(manifest.size))}, ${state}, checksum ${checksum} as on chain`);
  }
}

/** Streams the weights into a file, hashing what comes and decrypting what is written. */
async function receive(
  { client, signal }: SomaSession,
  manifest: ModelManifest,
  key: Uint8Array | undefined,
  path: string,
  onProgress: (receivedBytes: number) => void,
): Promise<void> {
  const expected = Buffer.from(manifest.checksum).toString('hex');
  const source = { url: manifest.url, checksum: expected, sizeBytes: Number(manifest.size) };
  const proxy = new URL(`/model/${manifest.modelId}`, client.endpoints.rpcUrl).href;
  const hash = createBlake2b256();
  const plain = key === undefined ? (piece: Uint8Array) => piece : createWeightsCipher(key);
  const file = await open(path, 'w', 0o600);
  try {
    const sink = async (piece: Uint8Array): Promise<void> => {
      hash.update(piece);
      await file.writeFile(plain(piece));
    };
    await download(source, client.context.manifestHttp, sink, { signal, fallbackUrls: [proxy], onProgress });
  } finally {
    await file.close();
  }
  const got = Buffer.from(hash.digest()).toString('hex');
  if (got === expected) return;
  throw new QuarryError('CHECKSUM_MISMATCH', 'the downloaded weights do not match their on-chain checksum', {
    hint: 'the host serves another file than was committed; nothing was kept',
    facts: { expected, got },
  });
}
