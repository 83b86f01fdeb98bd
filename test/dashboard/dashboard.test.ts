import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Observation, observeMiner } from '../../src/cli/mining/observe-miner.js';
import type { MinerSummary } from '../../src/miner/index.js';
import { type MiningNetwork, startMiningNetwork } from '../miner/network.js';
import { hasBrowser, openBrowser, openPage } from './browser.js';

const TOKEN = 'open-sesame';
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Runs axe in the page: over the debugger, which the page's policy does not bind. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations: found } = await axe.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

/** Colours in a chart: one that is drawn has some. */
async function coloursIn(page: Page, label: string): Promise<number> {
  return page.evaluate((name) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`[aria-label^="${name}"] canvas`);
    const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    const seen = new Set<string>();
    for (let i = 0; i < pixels.length; i += 4)
      if (pixels[i + 3] === 255) seen.add(`${pixels[i]} ${pixels[i + 1]} ${pixels[i + 2]}`);
    return seen.size;
  }, label);
}

describe.skipIf(!hasBrowser)('the dashboard of a miner, in a browser', () => {
  let network: MiningNetwork;
  let browser: Browser;
  let observed: Observation;
  let run: Promise<MinerSummary>;
  let resume: () => void;
  let accepted = 0;
  let url = '';

  beforeAll(async () => {
    network = await startMiningNetwork({ texts: 256, targetsPerEpoch: 8 });
    const assembled = await network.miner({ untilIdle: false, maxInFlight: 2 });
    const config = {
      apiPort: 0,
      apiHost: '127.0.0.1',
      apiToken: TOKEN,
      notifyIdleMinutes: 30,
      network: network.devnet.rpcUrl,
    };
    observed = await observeMiner(config, assembled, {
      stateDir: join(network.dir, 'state'),
      fleet: () => undefined,
      webhook: undefined,
      onWarning: (error) => {
        throw error;
      },
    });
    url = `${observed.url}/`;
    const shown = new Promise<void>((resolve) => {
      assembled.miner.events.on('outcome', ({ outcome }) => {
        if (outcome.kind !== 'accepted' || ++accepted !== 2) return;
        // Until a page watches: how far the miner gets while a browser starts is anyone's guess.
        assembled.miner.pause();
        resolve();
      });
    });
    resume = () => assembled.miner.resume();
    run = assembled.miner.run();
    browser = await openBrowser();
    await shown;
  });
  afterAll(async () => {
    await browser?.close();
    await observed?.close();
    await network?.close();
  });

  it('draws charts, follows the miner live, and contacts no other origin', async () => {
    const { page, complaints, requests } = await openPage(browser, url);
    await page.locator('.submissions summary').first().waitFor();
    await expect.poll(() => coloursIn(page, 'SOMA earned')).toBeGreaterThan(2);
    await expect.poll(() => coloursIn(page, 'Submissions by latency')).toBeGreaterThan(2);
    await expect.poll(() => coloursIn(page, 'Distances of submissions')).toBeGreaterThan(2);
    const figure = page.locator('.tone-accepted .figure');
    const before = Number(await figure.textContent());
    resume();
    await expect.poll(async () => Number(await figure.textContent())).toBeGreaterThan(before);
    await page.locator('.pill.live').waitFor();
    await expect(page.locator('#now ~ .facts').textContent()).resolves.toContain('Epoch');
    expect(await page.locator('.rows progress, .rows .dot.good').count()).toBeGreaterThan(0);
    expect(requests.filter((each) => !each.startsWith(url))).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('is scraped, and the scrape passes promtool where there is one', async () => {
    const text = await (await fetch(`${url}metrics`)).text();
    expect(text).toMatch(/^quarry_node_connected\{node="http:\/\/127.0.0.1:\d+"\} 1$/m);
    expect(text).toMatch(/^quarry_node_checkpoint_age_seconds\{.*\} \d/m);
    expect(text).toMatch(/^quarry_models\{state="ready"\} 3$/m);
    expect(text).toMatch(/^quarry_store_bytes [1-9]/m);
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    if (checked.error === undefined) expect([checked.status, checked.stderr]).toEqual([0, '']);
  });

  it('runs no script but its own', async () => {
    const { page, complaints } = await openPage(browser, url);
    const outcome = await page.evaluate(async () => {
      const inline = document.createElement('script');
      inline.textContent = 'globalThis.ran = true';
      document.body.append(inline);
      const elsewhere = await fetch('http://127.0.0.1:9/').then(
        () => 'reached',
        () => 'refused',
      );
      return { ran: 'ran' in globalThis, elsewhere };
    });
    expect(outcome).toEqual({ ran: false, elsewhere: 'refused' });
    expect(complaints.filter((text) => text.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(2);
    await page.close();
  });

  it('can be used without a pointer', async () => {
    const { page } = await openPage(browser, url);
    await page.locator('.submissions summary').first().waitFor();
    await page.locator('input[value=hour]').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('input[value=day]').isChecked()).toBe(true);
    const chart = page.locator('[aria-label^="SOMA earned"]');
    await chart.waitFor();
    await chart.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => chart.getAttribute('aria-valuetext')).toMatch(/earned [\d.]+/);
    await page.locator('.submissions summary').first().focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('details[open] .story').textContent()).toMatch(/distance.*of at most/);
    await page.locator('.theme').focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
    await page.close();
  });

  it.each([
    [360, 'light'],
    [360, 'dark'],
    [768, 'light'],
    [1440, 'dark'],
  ] as const)('has no barrier and no sideways scrolling at %i px, %s', async (width, theme) => {
    const { page } = await openPage(browser, url, { width, theme });
    await page.locator('.submissions summary').first().click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  it('takes orders from those who have the token only', async () => {
    const { page } = await openPage(browser, url);
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
    const unlock = async (token: string): Promise<void> => {
      await page.getByLabel('Token for pause').fill(token);
      await page.getByRole('button', { name: 'Unlock' }).click();
      await page.getByRole('button', { name: 'Pause' }).click();
    };
    await unlock('wrong');
    await page.getByRole('alert').waitFor();
    expect(await page.locator('.pill').textContent()).toBe('live');
    await unlock(TOKEN);
    await expect.poll(() => page.locator('.pill').textContent()).toBe('paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(() => page.locator('.pill').textContent()).toBe('live');
    await page.getByRole('button', { name: 'Stop…' }).click();
    await page.getByRole('button', { name: 'Stop the miner' }).click();
    expect((await run).accepted).toBeGreaterThan(0);
    await page.close();
  });
});
