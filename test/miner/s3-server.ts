import { type LoopbackServer, listen } from '../loopback-server.js';

/** A loopback server that speaks as much of S3 as publishing needs: PUT, HEAD, GET and DELETE of objects, path style. */
export interface S3Server extends LoopbackServer {
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Writes answered with an error. */
  readonly refused: () => number;
}

/** @param fails whether the n-th request for an object, counted from 0, is answered with 500 */
export async function startS3Server(fails: (n: number, method: string) => boolean): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  let requests = 0;
  let refused = 0;
  const server = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = (request.url ?? '').replace(/\?.*$/, '');
      const method = request.method ?? '';
      if (fails(requests++, method)) {
        refused++;
        response.writeHead(500, { 'content-type': 'application/xml' });
        response.end('<?xml version="1.0"?><Error><Code>InternalError</Code><Message>try again</Message></Error>');
        return;
      }
      const known = objects.get(path);
      if (method === 'PUT') {
        objects.set(path, Buffer.concat(chunks));
        response.writeHead(200, { etag: '"0"' }).end();
      } else if (method === 'DELETE') {
        objects.delete(path);
        response.writeHead(204).end();
      } else if (known === undefined) response.writeHead(404).end();
      else {
        response.writeHead(200, { 'content-length': known.length });
        response.end(method === 'HEAD' ? undefined : known);
      }
    });
  });
  return { ...server, objects, refused: () => refused };
}
