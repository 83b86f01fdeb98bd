import { afterEach, expect, test } from 'vitest';
import { HttpClient } from '../../src/net/index.js';
import { proxyOfEnvironment } from '../../src/net/proxy.js';
import { listen } from '../loopback-server.js';

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

test.each(['fast', 'lean'] as const)(
  '%s: a request goes to the proxy of the environment, one to this machine does not',
  async (engine) => {
    const asked: string[] = [];
    const proxy = await listen((request, response) => {
      asked.push(request.url ?? '');
      response.end('by proxy');
    });
    const direct = await listen((_request, response) => void response.end('direct'));
    process.env['http_proxy'] = proxy.url;
    const http = new HttpClient({ engine, retry: { attempts: 1 } });
    expect(Buffer.from(await http.bytes({ url: 'http://files.corp.example/a' })).toString()).toBe('by proxy');
    expect(Buffer.from(await http.bytes({ url: direct.url })).toString()).toBe('direct');
    expect(asked).toEqual(['http://files.corp.example/a']);
    await http.close();
    await proxy.close();
    await direct.close();
  },
);

test('upper case, all_proxy and no_proxy are read', () => {
  expect(proxyOfEnvironment({})).toBeUndefined();
  expect(proxyOfEnvironment({ http_proxy: ' ' })).toBeUndefined();
  expect(proxyOfEnvironment({ ALL_PROXY: 'http://p:1\n', NO_PROXY: 'a.b' })).toEqual({
    httpProxy: 'http://p:1',
    httpsProxy: 'http://p:1',
    noProxy: 'a.b,localhost,127.0.0.1,::1',
  });
});
