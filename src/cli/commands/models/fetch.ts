import { rename, rm, stat } from 'node:fs/promises';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Command } from 'commander';
import { QuarryError, toQuarryError } from '../../../errors/index.js';
import { assertNoDevice } from '../../../files/regular-file.js';
import type { ModelManifest } from '../../../soma/client/decode/index.js';
import { formatBytes } from '../../../text/index.js';
import { downloadManifest } from '../../../weights/download.js';
import { openPartialFile } from '../../../weights/open-partial-file.js';
import { openSafetensors } from '../../../weights/safetensors.js';
import type { CliContext } from '../../context.js';
import { idArgument } from '../../parse-argument.js';
import { examples, sayJson, tell } from '../../print.js';
import { liveArea } from '../../progress-output.js';
import { type SessionFlags, type SomaSession, withNetwork, withSession } from '../../soma-session.js';

interface FetchFlags extends SessionFlags {
  readonly out?: string | undefined;
  readonly decrypt?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** Adds `quarry models fetch`. */
export function addFetchCommand(models: Command, context: CliContext): void {
  withNetwork(models.command('fetch <id>').description("download a model's weights, verified against the chain"))
    .option('--out <file>', 'output file (default: <id>.safetensors, .encrypted without --decrypt)')
    .option('--decrypt', 'decrypt while downloading; the model must be revealed')
    .option('--force', 'replace the file if it exists')
    .addHelpText(
      'after',
      `
If interrupted, run it again: it resumes from FILE.part.
${examples('models fetch 0x… --decrypt --out model.safetensors', 'models fetch 0x… --json')}`,
    )
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
      details: { modelId },
    });
  }
  const key = flags.decrypt ? manifest.decryptionKey : undefined;
  if (flags.decrypt && key === undefined) {
    throw new QuarryError('FAILED_PRECONDITION', `the key of model ${modelId} is not public yet`, {
      hint: 'it becomes public when the model is revealed; without --decrypt the encrypted file is fetched',
    });
  }
  const file = flags.out ?? `${modelId}.${flags.decrypt ? 'safetensors' : 'encrypted'}`;
  if (!flags.force && (await stat(file).catch(() => undefined)) !== undefined) {
    throw new QuarryError('ALREADY_EXISTS', `${file} already exists`, { hint: 'name another --out, or add --force' });
  }
  assertNoDevice(file);
  const live = liveArea(context, flags);
  const bar = live.bar('weights', Number(manifest.size));
  const partial = `${file}.part`;
  try {
    await receive(session, manifest, key, partial, (received) => bar.update(received));
    // If the key is wrong, decryption yields something that is not safetensors.
    if (key !== undefined) await (await openSafetensors(partial, { checksum: '' })).close();
    await rename(partial, file);
  } catch (error) {
    const failure = toQuarryError(error, `fetching the weights of ${modelId}`);
    const kept = isWorthKeeping(failure) ? ((await stat(partial).catch(() => undefined))?.size ?? 0) : 0;
    live.clear();
    if (kept === 0) await rm(partial, { force: true });
    else tell(context, `${formatBytes(kept)} are kept in ${partial}: run this again to resume`);
    throw failure;
  } finally {
    live.clear();
  }
  const checksum = bytesToHex(manifest.checksum);
  const decrypted = key !== undefined;
  if (flags.json) sayJson(context, { modelId, file, sizeBytes: Number(manifest.size), checksum, decrypted });
  else {
    const state = decrypted ? 'decrypted' : 'still encrypted';
    tell(context, `${file}: ${formatBytes(Number(manifest.size))}, ${state}, checksum ${checksum} matches the chain`);
  }
}

/** Whether a later run can resume: the connection failed, not the data. */
function isWorthKeeping({ code, retryable }: QuarryError): boolean {
  return code === 'ABORTED' || (retryable && code !== 'CHECKSUM_MISMATCH' && code !== 'SIZE_MISMATCH');
}

/** Streams the weights into a file, resuming an earlier run, and hashes and decrypts them on the way. */
async function receive(
  { client, signal }: SomaSession,
  { modelId, url, size, ...manifest }: ModelManifest,
  decryptionKey: Uint8Array | undefined,
  path: string,
  onProgress: (receivedBytes: number) => void,
): Promise<void> {
  const source = { url, checksum: bytesToHex(manifest.checksum), sizeBytes: Number(size) };
  const { sizeBytes } = source;
  const file = await openPartialFile({
    path,
    sizeBytes,
    signal,
    decryptionKey,
  });
  try {
    await downloadManifest(source, client.context.manifestHttp, file, {
      signal,
      startAt: file.startAt,
      fallbacks: client.modelProxies(modelId),
      onProgress,
    });
    await file.sync();
  } finally {
    await file.close();
  }
}
