import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { HttpClient } from '../../src/net/index.js';
import { resolveSources } from '../../src/sources/index.js';

it('a signal ends the listing of a dataset at a Hub that does not answer', async () => {
  const hub = createServer();
  await once(hub.listen(0, '127.0.0.1'), 'listening');
  const http = new HttpClient();
  const stop = new AbortController();
  try {
    const hubUrl = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
    const options = { cwd: '.', hubUrl, signal: stop.signal };
    const listing = expect(resolveSources(['hf:owner/name'], options, { http })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await once(hub, 'request');
    stop.abort('SIGINT');
    await listing;
  } finally {
    await http.close();
    hub.closeAllConnections();
    hub.close();
  }
});
