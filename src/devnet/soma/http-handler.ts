import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { normaliseId } from '../../soma/chain/id.js';
import type { Manifest } from '../../soma/chain/manifest.js';
import type { BlobStore } from './blob-store.js';
import type { DevnetNode } from './node.js';

/** An injected fault of a download. */
export type DownloadFault = 'corrupt' | 'stall' | 'truncate';

/** Dependencies of the routes. */
export interface HttpHandlerDeps {
  readonly node: DevnetNode;
  readonly blobs: BlobStore;
  /** Downloads the bytes at a manifest's URL, for the proxy routes. */
  readonly fetchBytes: (url: string) => Promise<Uint8Array>;
  /** Called once per successful download. */
  readonly fault: () => DownloadFault | undefined;
}

/** Maximum size of a blob, bytes; each is kept in one buffer. */
const MAX_BLOB_BYTES = 1024 ** 3;

/**
 * The node's HTTP routes: `/data/{target}` and `/model/{model}`, proxied as by a fullnode, and `/blobs/{name}`, a plain
 * host (PUT, GET with Range, HEAD, DELETE) for weights and submissions.
 */
export function httpHandler(deps: HttpHandlerDeps): RequestListener {
  return (request, response) => {
    respond(deps, request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else plain(response, 500, 'internal error');
    });
  };
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

async function respond(deps: HttpHandlerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://devnet').pathname;
  const [, route, name = '', more] = path.split('/');
  if (more !== undefined || name === '') return plain(response, 404, 'not found');
  if (route === 'blobs') return blob(deps, request, response, name);
  if (route !== 'data' && route !== 'model') return plain(response, 404, 'not found');
  if (request.method !== 'GET') return plain(response, 405, 'method not allowed');
  if (!/^(?:0x)?[0-9a-f]{64}$/i.test(name)) return plain(response, 400, `Invalid resource ID: ${name.slice(0, 80)}`);
  const manifest = manifestOf(deps.node, route, normaliseId(name));
  if (manifest === undefined) {
    const missing = route === 'data' ? 'Target not found or not filled' : 'Model not found or not active';
    return plain(response, 502, `Failed to fetch from validators: ${missing}: ${name}`);
  }
  let bytes: Uint8Array;
  try {
    bytes = await deps.fetchBytes(manifest.url);
  } catch {
    return plain(response, 502, 'Failed to fetch from validators: Download failed');
  }
  send(response, 200, bytes, deps.fault(), {});
}

function manifestOf(node: DevnetNode, route: 'data' | 'model', id: string): Manifest | undefined {
  if (route === 'data') {
    const object = node.ledger.objects.get(id);
    return object?.payload.type === 'Target' ? object.payload.target.winningDataManifest : undefined;
  }
  const model = node.ledger.state.modelRegistry.models.get(id);
  return model === undefined || model.state === 'created' ? undefined : model.manifest;
}

async function blob(
  { blobs, fault }: HttpHandlerDeps,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
): Promise<void> {
  switch (request.method) {
    case 'PUT': {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_BLOB_BYTES) return plain(response, 413, 'too large');
        chunks.push(chunk);
      }
      const kept = blobs.put(name, Buffer.concat(chunks));
      return plain(response, kept ? 201 : 507, kept ? 'created' : 'no space left');
    }
    case 'DELETE':
      blobs.delete(name);
      response.writeHead(204).end();
      return;
    case 'HEAD':
    case 'GET': {
      const bytes = blobs.get(name);
      if (bytes === undefined) return plain(response, 404, 'not found');
      const headers = { 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' };
      if (request.method === 'HEAD') {
        response.writeHead(200, { ...headers, 'content-length': bytes.length }).end();
        return;
      }
      const range = parseRange(request.headers.range, bytes.length);
      if (range === 'unsatisfiable') {
        response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
        return;
      }
      if (range === undefined) return send(response, 200, bytes, fault(), headers);
      const [first, last] = range;
      const partial = { ...headers, 'content-range': `bytes ${first}-${last}/${bytes.length}` };
      return send(response, 206, bytes.subarray(first, last + 1), fault(), partial);
    }
    default:
      return plain(response, 405, 'method not allowed');
  }
}

/**
 * First and last byte of the requested range; `undefined` for the whole body, including requests for several ranges.
 */
function parseRange(header: string | undefined, size: number): readonly [number, number] | 'unsatisfiable' | undefined {
  const match = header === undefined ? null : /^bytes=(\d*)-(\d*)$/.exec(header);
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const suffix = match[1] === '';
  const first = suffix ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const last = suffix || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return first > last || first >= size ? 'unsatisfiable' : [first, last];
}

function send(
  response: ServerResponse,
  status: number,
  bytes: Uint8Array,
  fault: DownloadFault | undefined,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  if (fault === undefined || bytes.length === 0) {
    response.end(bytes);
    return;
  }
  const half = bytes.length >> 1;
  if (fault === 'corrupt') {
    const damaged = Uint8Array.from(bytes);
    damaged[half] = damaged[half]! ^ 0x01;
    response.end(damaged);
    return;
  }
  // A stalled body stays open until the client gives up or the node stops; a truncated one is closed.
  response.write(bytes.subarray(0, half), () => {
    if (fault === 'truncate') response.destroy();
  });
}
