import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { LoopbackRequest } from '../loopback/server.js';
import { FaultyServer } from './faulty-server.js';

/** A stored object: bytes, or a function that generates them so that large objects need no memory. */
export interface StoredObject {
  readonly size: number;
  readonly etag: string;
  read(start: number, end: number): Uint8Array;
}

/** Injected faults of the store. */
export interface StoreFaults {
  /** Close the connection after this many bytes; one entry per response. */
  dropAfter: number[];
  /** Stall after this many bytes; one entry per response. */
  stallAfter: number[];
  /** Respond to range requests with status 200 and the whole object. */
  ignoreRange: boolean;
}

/**
 * An S3 bucket on loopback: checks presigned links against its clock, serves ranges, supports `If-Match` and
 * `If-Range`, and refuses what S3 refuses (HEAD on a GET link, a second authentication, unsigned `x-amz-` headers).
 */
export class S3Server extends FaultyServer {
  readonly objects = new Map<string, StoredObject>();
  readonly faulty: StoreFaults = { dropAfter: [], stallAfter: [], ignoreRange: false };
  /** Lifetime of links, seconds. */
  expiresSeconds = 3600;
  /** Called after each chunk with the number of bytes sent of a response. */
  onProgress: (sent: number) => void = () => {};
  readonly #secret = randomBytes(32);

  /** Stores bytes under `key`, with their MD5 as ETag, as S3 does for simple uploads. */
  put(key: string, bytes: Uint8Array): void {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    this.objects.set(key, { size: bytes.length, etag, read: (start, end) => bytes.subarray(start, end) });
  }

  /** Creates a link to `key` that is valid for {@link expiresSeconds}. */
  sign(key: string): string {
    const date = `${new Date(this.now()).toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}Z`;
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `DEMO/${date.slice(0, 8)}/us-east-2/s3/aws4_request`,
      'X-Amz-Date': date,
      'X-Amz-Expires': String(this.expiresSeconds),
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': this.#signature(key, date, String(this.expiresSeconds)),
    });
    return `${this.url}/${key}?${query}`;
  }

  protected async handle(request: LoopbackRequest, response: ServerResponse): Promise<void> {
    const key = request.path.slice(1);
    if (request.headers['authorization'] !== undefined) {
      refuse(response, 400, 'InvalidArgument', 'Only one auth mechanism allowed');
      return;
    }
    const extra = Object.keys(request.headers).find((name) => name.startsWith('x-amz-') || name === 'flock-api-key');
    if (extra !== undefined) {
      refuse(
        response,
        403,
        'AccessDenied',
        `There were headers present in the request which were not signed: ${extra}`,
      );
      return;
    }
    const date = request.query.get('X-Amz-Date') ?? '';
    const expires = request.query.get('X-Amz-Expires') ?? '';
    if (request.method !== 'GET' || request.query.get('X-Amz-Signature') !== this.#signature(key, date, expires)) {
      refuse(response, 403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match.');
      return;
    }
    const signedAt = Date.parse(date.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'));
    const endsAt = signedAt + Number(expires) * 1000;
    if (!(this.now() < endsAt)) {
      return refuse(response, 403, 'AccessDenied', 'Request has expired', {
        'X-Amz-Expires': expires,
        Expires: new Date(endsAt).toISOString(),
        ServerTime: new Date(this.now()).toISOString(),
      });
    }
    const object = this.objects.get(key);
    if (object === undefined) {
      refuse(response, 404, 'NoSuchKey', 'The specified key does not exist.');
      return;
    }
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== object.etag) {
      refuse(response, 412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
      return;
    }
    const another = (request.headers['if-range'] ?? object.etag) !== object.etag;
    const range =
      this.faulty.ignoreRange || another ? null : /^bytes=(\d+)-(\d*)$/.exec(String(request.headers['range'] ?? ''));
    const start = range === null ? 0 : Number(range[1]);
    const end = range === null || range[2] === '' ? object.size : Math.min(object.size, Number(range[2]) + 1);
    if (range !== null && start >= object.size) {
      refuse(
        response,
        416,
        'InvalidRange',
        'The requested range is not satisfiable',
        {},
        {
          'content-range': `bytes */${object.size}`,
        },
      );
      return;
    }
    response.writeHead(range === null ? 200 : 206, {
      etag: object.etag,
      'accept-ranges': 'bytes',
      'content-type': 'binary/octet-stream',
      'content-length': end - start,
      ...(range !== null && { 'content-range': `bytes ${start}-${end - 1}/${object.size}` }),
    });
    await this.#send(object, start, end, response);
  }

  async #send(object: StoredObject, start: number, end: number, response: ServerResponse): Promise<void> {
    const drop = this.faulty.dropAfter.shift() ?? Number.POSITIVE_INFINITY;
    const stall = this.faulty.stallAfter.shift() ?? Number.POSITIVE_INFINITY;
    for (let at = start; at < end; ) {
      const sent = at - start;
      if (sent >= stall) return;
      if (sent >= drop) {
        response.socket?.destroy();
        return;
      }
      const next = Math.min(end, at + 256 * 1024, start + drop, start + stall);
      if (response.destroyed) return;
      if (!response.write(object.read(at, next))) {
        const either = new AbortController();
        await Promise.race(
          ['drain', 'close'].map((event) => once(response, event, { signal: either.signal }).catch(() => {})),
        );
        either.abort();
      }
      at = next;
      this.onProgress(at - start);
    }
    response.end();
  }

  #signature(key: string, date: string, expires: string): string {
    return createHmac('sha256', this.#secret).update(`${key}\n${date}\n${expires}`).digest('hex');
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  more: Readonly<Record<string, string>> = {},
  headers: Record<string, string> = {},
): void {
  const inner = Object.entries({ Code: code, Message: message, ...more }).map(
    ([name, value]) => `<${name}>${value}</${name}>`,
  );
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner.join('')}</Error>`;
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
