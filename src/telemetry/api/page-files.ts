import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the dashboard. */
export interface PageFile {
  /** Route it is served at. */
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

/**
 * Content Security Policy: the page may load from and call only its own origin; it cannot be framed, submit forms or
 * change its base.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FILES = [
  { path: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/dashboard.js', name: 'dashboard.js', type: 'text/javascript; charset=utf-8' },
  { path: '/dashboard.css', name: 'dashboard.css', type: 'text/css; charset=utf-8' },
  { path: '/icon.svg', name: 'icon.svg', type: 'image/svg+xml' },
];

/** The bundled dashboard; empty if it was not built. When running from `src/`, uses the build's. */
export function pageFiles(): readonly PageFile[] {
  const dir = ['../../../dashboard/', '../../../dist/dashboard/']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(`${path}index.html`));
  if (dir === undefined) return [];
  return FILES.map(({ path, name, type }) => ({ path, type, body: readFileSync(`${dir}${name}`, 'utf8') }));
}
