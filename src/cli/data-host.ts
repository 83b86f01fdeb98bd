import { join } from 'node:path';
import type { Config, SettingName } from '../config/index.js';
import { QuarryError } from '../errors/index.js';
import { type DataHost, HttpHost, S3Host } from '../hosting/index.js';
import { STATE_ENTRIES } from '../miner/state/state-entries.js';

/** Settings for where files are hosted. */
export const HOST_SETTINGS: readonly SettingName[] = [
  'stateDir',
  'dataPort',
  'hostInterface',
  'hostUrl',
  's3Bucket',
  's3EndpointUrl',
  's3PublicUrl',
  's3Region',
];

/**
 * Opens the host described by the settings; `undefined` if they describe none.
 *
 * @throws QuarryError `CONFIG_MISSING` when a bucket is set without its credentials or other required settings
 * @throws QuarryError `CONFLICT` when the port is taken
 */
export async function openDataHost(config: Config, stateDir: string): Promise<DataHost | undefined> {
  if (config.s3Bucket !== undefined) {
    const { s3PublicUrl, s3AccessKeyId, s3SecretAccessKey, s3EndpointUrl } = config;
    if (s3PublicUrl === undefined || s3AccessKeyId === undefined || s3SecretAccessKey === undefined) {
      throw new QuarryError('CONFIG_MISSING', 'hosting in a bucket needs its public URL and credentials', {
        hint: 'set S3_PUBLIC_URL, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
      });
    }
    return new S3Host({
      bucket: config.s3Bucket,
      publicUrl: s3PublicUrl,
      region: config.s3Region,
      accessKeyId: s3AccessKeyId,
      secretAccessKey: s3SecretAccessKey,
      endpointUrl: s3EndpointUrl,
    });
  }
  if (config.dataPort === undefined) return undefined;
  return HttpHost.listen({
    dir: join(stateDir, STATE_ENTRIES.hosted),
    host: config.hostInterface,
    port: config.dataPort,
    publicUrl: config.hostUrl,
  });
}

/** Whether hosted files become unavailable when this process ends. */
export function endsWithProcess(host: DataHost | undefined): boolean {
  return host instanceof HttpHost;
}

/** Error for a missing host. */
export function noHost(what: string): QuarryError {
  return new QuarryError('CONFIG_MISSING', `${what} must be hosted where anyone can fetch it`, {
    hint: 'set --s3-bucket and --s3-public-url, or --data-port and --host-url, or give --url of the file',
  });
}
