import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type ErrorCode, QuarryError, toQuarryError } from '../errors/index.js';
import { proxyOfEnvironment, type RetryPolicy, retry } from '../net/index.js';
import type { DataHost } from './contract.js';
import { proxiedRequests } from './proxied-requests.js';

/** Retries for transient failures: 503 SlowDown, connection resets, clock skew that the SDK corrects. */
const ATTEMPTS: RetryPolicy = { attempts: 4, backoff: { baseMs: 200, maxMs: 5_000 } };

type Sdk = typeof import('@aws-sdk/client-s3');

/** An S3-compatible bucket, credentials to write to it, and its public URL. */
export interface S3HostOptions {
  /** Name of the bucket. */
  readonly bucket: string;
  /** Default: Amazon's endpoint for the region. */
  readonly endpointUrl?: string | undefined;
  /** Base URL under which anyone can read the bucket's objects. */
  readonly publicUrl: string;
  /** Region of the bucket, such as `eu-central-1`; `auto` with R2. */
  readonly region: string;
  /** Credentials that may read and write objects under {@link S3HostOptions.prefix}. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Prefix of object names. Default `quarry/`. */
  readonly prefix?: string | undefined;
}

/** Publishes to an S3-compatible bucket: Amazon S3, Cloudflare R2, MinIO. The bucket must be publicly readable. */
export class S3Host implements DataHost {
  readonly name = 's3';
  readonly #options: S3HostOptions;
  #opened: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined;

  constructor(options: S3HostOptions) {
    this.#options = options;
  }

  /** Loads the SDK, which is large, on first use. */
  #open(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    this.#opened ??= this.#load();
    return this.#opened;
  }

  async #load(): Promise<{ readonly sdk: Sdk; readonly client: S3Client }> {
    const options = this.#options;
    const sdk = await import('@aws-sdk/client-s3');
    const proxy = proxyOfEnvironment();
    const client = new sdk.S3Client({
      // undici rejects the `Expect: 100-continue` header that the SDK adds to large bodies.
      ...(proxy !== undefined && { requestHandler: await proxiedRequests(proxy), expectContinueHeader: false }),
      region: options.region,
      credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
      // We retry ourselves, because only we can reopen a body.
      maxAttempts: 1,
      // Path style works with every S3-compatible server; virtual hosts need DNS that MinIO and test servers lack.
      ...(options.endpointUrl !== undefined && { endpoint: options.endpointUrl, forcePathStyle: true }),
      // Other implementations reject the checksums that newer SDKs add by default.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return { sdk, client };
  }

  async publish(checksum: string, bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
    return this.#put(checksum, () => bytes, bytes.byteLength, signal);
  }

  async publishFile(checksum: string, path: string, signal?: AbortSignal): Promise<string> {
    const { size } = await stat(path);
    return this.#put(checksum, () => createReadStream(path), size, signal);
  }

  async #put(checksum: string, open: () => Uint8Array | Readable, size: number, signal?: AbortSignal): Promise<string> {
    const { bucket, publicUrl } = this.#options;
    const key = this.#key(checksum);
    const control = signal === undefined ? {} : { abortSignal: signal };
    const { sdk, client } = await this.#open();
    const attempt = async (): Promise<void> => {
      const present = await client
        .send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), control)
        .catch((error: unknown) => {
          if (statusOf(error) === 404 || statusOf(error) === 403) return undefined;
          throw error;
        });
      if (present?.ContentLength === size) return;
      const body = open();
      try {
        const put = { Bucket: bucket, Key: key, Body: body, ContentLength: size };
        await client.send(new sdk.PutObjectCommand({ ...put, ContentType: 'application/octet-stream' }), control);
      } finally {
        if (!(body instanceof Uint8Array)) body.destroy();
      }
    };
    await repeated(attempt, `publishing to the bucket ${bucket}`, signal);
    return new URL(`${publicUrl.replace(/\/$/, '')}/${key}`).href;
  }

  async remove(checksum: string, signal?: AbortSignal): Promise<void> {
    const { bucket } = this.#options;
    const control = signal === undefined ? {} : { abortSignal: signal };
    const { sdk, client } = await this.#open();
    const attempt = async (): Promise<void> => {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: this.#key(checksum) }), control);
    };
    await repeated(attempt, `removing from the bucket ${bucket}`, signal);
  }

  /** Closes connections. Published data stays in the bucket. */
  async close(): Promise<void> {
    const opened = await this.#opened;
    opened?.client.destroy();
  }

  #key(checksum: string): string {
    return `${this.#options.prefix ?? 'quarry/'}${checksum}`;
  }
}

/** Runs `attempt` until it succeeds, fails permanently or has failed four times. */
function repeated(attempt: () => Promise<void>, doing: string, signal: AbortSignal | undefined): Promise<void> {
  return retry(
    () =>
      attempt().catch((error: unknown) => {
        throw s3Error(error, doing);
      }),
    { ...ATTEMPTS, signal },
  );
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number | undefined } }).$metadata?.httpStatusCode;
}

/** Keeps only status and service code: the SDK's errors may quote request headers, which hold credentials. */
function s3Error(error: unknown, doing: string): QuarryError {
  const status = statusOf(error);
  if (status === undefined) return toQuarryError(error, doing);
  const code: ErrorCode =
    status === 401 || status === 403
      ? 'PERMISSION_DENIED'
      : status === 404
        ? 'NOT_FOUND'
        : status === 429
          ? 'RATE_LIMITED'
          : status >= 500
            ? 'REMOTE_FAILURE'
            : 'REMOTE_REJECTED';
  return new QuarryError(code, `${doing} failed with HTTP ${status} (${(error as Error).name})`, {
    hint: 'check S3_BUCKET, S3_ENDPOINT_URL, S3_REGION and the credentials',
    details: { status },
    ...((error as Error).name === 'RequestTimeTooSkewed' && { retryable: true }),
  });
}
