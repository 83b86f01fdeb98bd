// Pictures of a dashboard as people see it: 360, 768 and 1440 px wide, light and dark.
// Usage: node scripts/dashboard-screenshot.mjs URL [DIRECTORY] [hour|day|epoch]; needs Chromium, at CHROMIUM or
// /usr/bin/chromium. docs/dashboard.png is its dashboard-1440-light.png, by epoch.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url, dir = 'screenshots', by = 'hour'] = process.argv.slice(2);
if (url === undefined) {
  console.error('usage: node scripts/dashboard-screenshot.mjs URL [DIRECTORY] [hour|day|epoch]');
  process.exit(2);
}
mkdirSync(dir, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // The sandbox refuses to run as root, which containers do.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [360, 768, 1440]) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const asked = page.waitForResponse((response) => response.url().includes(`/1/history?by=${by}&`));
      await page.goto(url);
      await page.locator('.tiles').waitFor();
      await page.locator('canvas, .empty').first().waitFor();
      await page.locator(`input[name="by"][value="${by}"]`).check();
      await asked;
      // After two frames the page has drawn its data.
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      const path = join(dir, `dashboard-${width}-${colorScheme}.png`);
      await page.screenshot({ path });
      console.log(path);
      await page.close();
    }
  }
} finally {
  await browser.close();
}
