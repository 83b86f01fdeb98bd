import { describe, expect, it } from 'vitest';
import { toQuarryError } from '../../src/errors/index.js';
import {
  HttpClient,
  isLocalHostHeader,
  isLoopbackHost,
  normaliseBaseUrl,
  parseRetryAfterMs,
  redactSecrets,
  redactUrl,
  wasUnsent,
} from '../../src/net/index.js';
import { listen } from '../loopback-server.js';

describe('Retry-After', () => {
  it('reads seconds and dates, at most five minutes, never a negative wait', () => {
    expect(parseRetryAfterMs('2', 0)).toBe(2_000);
    expect(parseRetryAfterMs(' 1.5 ', 0)).toBe(1_500);
    expect(parseRetryAfterMs('99999', 0)).toBe(300_000);
    expect(parseRetryAfterMs('Thu, 01 Jan 1970 00:00:30 GMT', 10_000)).toBe(20_000);
    expect(parseRetryAfterMs('Thu, 01 Jan 1970 00:00:30 GMT', 40_000)).toBe(0);
    for (const none of [undefined, null, '', 'soon', '-']) expect(parseRetryAfterMs(none, 0)).toBeUndefined();
  });
});

describe('redaction', () => {
  it('keeps neither user info nor query nor fragment', () => {
    expect(redactUrl('https://me:pw@h.example/a/b?sig=1#x')).toBe('https://h.example/a/b?…');
    expect(redactUrl('nonsense')).toBe('<invalid URL>');
  });

  it('blanks every secret, but not words as short as one', () => {
    expect(redactSecrets('key sk-123456 of id', ['sk-123456', 'id'])).toBe('key [redacted] of id');
  });
});

describe('base URLs', () => {
  const rules = { what: 'test URL', example: 'https://a.example' };

  it('drops slashes, query and fragment', () => {
    expect(normaliseBaseUrl(' https://a.example/x//?q=1#f ', rules)).toBe('https://a.example/x');
  });

  it('refuses what is not http(s), has a password, or would carry keys in plain text', () => {
    for (const bad of ['ftp://a', 'a.example', 'https://u:p@a.example', '']) {
      expect(() => normaliseBaseUrl(bad, rules)).toThrow(/test URL/);
    }
    expect(() => normaliseBaseUrl('http://a.example', { ...rules, requireTls: true })).toThrow(/https/);
    expect(() => normaliseBaseUrl('http://localhost.example.com', { ...rules, requireTls: true })).toThrow(/https/);
    expect(normaliseBaseUrl('http://LOCALHOST:9', { ...rules, requireTls: true })).toBe('http://localhost:9');
  });

  it('tells this machine from names that only look like it', () => {
    for (const here of ['localhost', 'LOCALHOST', 'a.localhost', '127.9.9.9', '::1', '[::1]']) {
      expect(isLoopbackHost(here)).toBe(true);
    }
    for (const there of ['localhost.example.com', '127.0.0.1.example.com', '128.0.0.1', '::2', '']) {
      expect(isLoopbackHost(there)).toBe(false);
    }
    for (const here of ['localhost:8080', '127.0.0.1:1', '[::1]:9000', '127.0.0.1']) {
      expect(isLocalHostHeader(here)).toBe(true);
    }
    for (const there of ['example.com:8080', 'example.com@127.0.0.1', 'localhost.example.com', undefined]) {
      expect(isLocalHostHeader(there)).toBe(false);
    }
  });
});

describe('was it sent', () => {
  it('is certain for a refused connection only', async () => {
    const server = await listen((request) => request.socket.destroy());
    const http = new HttpClient({ retry: { attempts: 1 } });
    const failure = async (url: string) =>
      http.bytes({ url }).catch((error: unknown) => toQuarryError(error, 'asking'));
    expect(wasUnsent(await failure(server.url))).toBe(false);
    await server.close();
    expect(wasUnsent(await failure(server.url))).toBe(true);
    await http.close();
  });
});
