import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** Against hangs, as the time-outs of the tests are. */
const TIMEOUT_MS = 120_000;

/** Whether there is a browser to test with. */
export const hasBrowser = EXECUTABLE !== undefined;

/** A page, and everything it complained about or asked for. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors, warnings and exceptions. */
  readonly complaints: string[];
  /** URLs of every request. */
  readonly requests: string[];
}

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE ?? '', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Opens a page of this width and theme, and listens to it from the first byte on. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1440, theme = 'light' }: { readonly width?: number; readonly theme?: 'light' | 'dark' } = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: theme, reducedMotion: 'reduce' });
  page.setDefaultTimeout(TIMEOUT_MS);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, complaints, requests };
}
