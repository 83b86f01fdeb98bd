import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { PAGE_POLICY, pageFiles } from '../../src/telemetry/api/page-files.js';

/** What the whole page may weigh compressed, bytes. */
const MAX_GZIPPED = 45_000;

it('the page is small, whole, and names no other origin', () => {
  const files = pageFiles();
  expect(files.map(({ path }) => path)).toEqual(['/', '/dashboard.js', '/dashboard.css', '/icon.svg']);
  const weight = files.reduce((sum, { body }) => sum + gzipSync(body).length, 0);
  expect(weight).toBeLessThan(MAX_GZIPPED);
  const page = readFileSync(new URL('../../src/dashboard/index.html', import.meta.url), 'utf8');
  expect(page).not.toMatch(/https?:|<script>|style=/);
  expect(PAGE_POLICY).not.toMatch(/unsafe|\*|data:/);
});
