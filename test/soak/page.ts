// A miner with its page open for a long time: what both take in memory, and what the page costs.
// Usage: npm run soak:page -- --minutes 60. Exits with 1 when the page's memory, nodes or listeners grow, or when it costs more
// than a hundredth of a core.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser, CDPSession } from 'playwright-core';
import { residentOf } from '../../bench/soak-probe.js';
import { type Point, slopePerHour } from '../../bench/soak-slope.js';
import { openBrowser, openPage } from '../dashboard/browser.js';
import { type MiningNetwork, startMiningNetwork } from '../miner/network.js';
import { lookAtThreads, type PageCost, pageCost, probed, type ThreadSeconds } from './page-cost.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const minutes = Number(values.minutes);
/** How long the page is open; before and after, the miner is measured alone. */
const OPEN_MS = minutes * 60_000;
const ALONE_MS = Math.min(120_000, OPEN_MS / 5);
const LOOK_MS = Math.min(10_000, OPEN_MS / 20);
/** Kilobytes that the miner knows, and answers every target with. */
const TEXTS = 48;
/** Kernel ticks a second. */
const TICKS = 100;
const MIB = 2 ** 20;
/** The page may cost the miner this share of a core. */
const MAX_COST = 0.01;
/** What the page may have grown by at the end, over what it had when it had shown everything once. */
const PAGE_GROWTH = { heap: 8 * MIB, nodes: 500, listeners: 100 };

interface Measured {
  /** Of a core. */
  readonly share: number;
  /** Targets won. */
  readonly perSecond: number;
  /** What readers of the HTTP API cost. */
  readonly cost: PageCost;
}

interface Look extends Readonly<Record<'heap' | 'nodes' | 'listeners', number>> {
  readonly atMs: number;
}

/** What is sampled of the miner's main thread. */
const profile = fileURLToPath(new URL('../../dist/bench/profile-probe.js', import.meta.url));
const threads: ThreadSeconds = new Map();

const network = await startMiningNetwork({ epochMs: 20_000, texts: TEXTS, auditShare: 0 });
const { child, url, accepted } = await startMiner(network);
const browser = await openBrowser();
const memory: Point[] = [];
const watching = setInterval(() => {
  memory.push({ atMs: performance.now(), value: residentOf(child.pid!)?.anonymous ?? 0 });
}, LOOK_MS);
const counting = setInterval(() => lookAtThreads(child.pid!, threads), 1_000);

const before = await cpuOver(() => pause(ALONE_MS));
const { looks, complaints, browserShare, open } = await withPage(browser, url);
const after = await cpuOver(() => pause(ALONE_MS));
clearInterval(watching);
clearInterval(counting);
await browser.close();
child.kill('SIGTERM');
await once(child, 'close');
await network.close();
process.exit(report() ? 0 : 1);

async function startMiner({ devnet, dir, signer }: MiningNetwork) {
  const program = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
  const args = ['mine', '--json', '--network', devnet.rpcUrl, '--state-dir', join(dir, 'state'), '--api-port', '0'];
  const probe = `--import=${pathToFileURL(profile)}?file=${join(dir, 'profile')}`;
  const miner: ChildProcess = spawn(process.execPath, [probe, program, ...args, '--data', join(dir, 'text.bin')], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir, SOMA_SECRET_KEY: signer.exportSecret('hex') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const won = { count: 0 };
  const served = await new Promise<string>((resolve) => {
    createInterface({ input: miner.stdout! }).on('line', (line) => {
      const { event, url: address } = JSON.parse(line);
      if (event === 'accepted') won.count++;
      if (event === 'http') resolve(address);
    });
  });
  // Scoring takes far more than the page: it must be over before anything is compared.
  for (let scored = 0; scored < TEXTS; await pause(500)) {
    const summary = (await (await fetch(`${served}/1/summary`)).json()) as { scored: number };
    scored = summary.scored;
  }
  return { child: miner, url: served, accepted: won };
}

/** Opens the page, looks at its memory again and again, and closes it. */
async function withPage(chromium: Browser, address: string) {
  const { page, complaints: said } = await openPage(chromium, address);
  await page.locator('canvas').first().waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const system = await chromium.newBrowserCDPSession();
  const seen: Look[] = [];
  const cpuBefore = await browserSeconds(system);
  const began = performance.now();
  const share = await cpuOver(async () => {
    while (performance.now() - began < OPEN_MS) {
      await pause(LOOK_MS);
      seen.push(await lookAt(session));
    }
  });
  const seconds = (await browserSeconds(system)) - cpuBefore;
  const wall = (performance.now() - began) / 1_000;
  await page.close();
  return { looks: seen, complaints: said, open: share, browserShare: seconds / wall };
}

async function lookAt(session: CDPSession): Promise<Look> {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const value = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return {
    atMs: performance.now(),
    heap: value('JSHeapUsedSize'),
    nodes: value('Nodes'),
    listeners: value('JSEventListeners'),
  };
}

/** Processor seconds of all processes of the browser. */
async function browserSeconds(system: CDPSession): Promise<number> {
  const { processInfo } = await system.send('SystemInfo.getProcessInfo');
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** Share of a core that the miner takes meanwhile, and how much it wins a second. */
async function cpuOver(work: () => Promise<unknown>): Promise<Measured> {
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  lookAtThreads(child.pid!, threads);
  const [from, won, began, beganAt, before] = [
    ticks(),
    accepted.count,
    performance.now(),
    Date.now(),
    new Map(threads),
  ];
  await work();
  const seconds = (performance.now() - began) / 1_000;
  lookAtThreads(child.pid!, threads);
  const { windows, readers } = probed(join(network.dir, 'profile'));
  const meanwhile = windows.filter(({ atMs }) => atMs > beganAt);
  return {
    share: (ticks() - from) / TICKS / seconds,
    perSecond: (accepted.count - won) / seconds,
    cost: pageCost(child.pid!, { before, after: threads, windows: meanwhile, readers, seconds }),
  };
}

/** Says what was measured; returns whether the page stayed as large as it was. */
function report(): boolean {
  // A busy machine lets a miner win less, and then it takes less: what counts is what it takes for each target.
  const each = ({ share, perSecond }: Measured): number => share / perSecond;
  const alone = (each(before) + each(after)) / 2;
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  const row = (name: string, measured: Measured): string => {
    const { share, perSecond } = measured;
    return `${name}  miner ${percent(share)} of a core for ${perSecond.toFixed(1)} accepted a second: ${percent(each(measured))} each`;
  };
  console.log(`page open for ${minutes} minutes, ${accepted.count} accepted`);
  console.log(row('page closed, before', before));
  console.log(row('page open          ', open));
  console.log(row('page closed, after ', after));
  const doubt = (Math.abs(each(before) - each(after)) / 2) * open.perSecond;
  const difference = open.share - alone * open.perSecond;
  console.log(`open less closed: ${percent(difference)} of a core, give or take ${percent(doubt)}`);
  const told = ({ main, readers }: PageCost): string =>
    `${percent(main + readers)} of a core (main thread ${percent(main)}, threads that read ${percent(readers)})`;
  console.log(`the page costs the miner ${told(open.cost)}; closed, the same code takes ${told(before.cost)}`);
  console.log(`the browser takes ${percent(browserShare)} of one`);
  const late = memory.slice(memory.length >> 1);
  const anonymous = ((late.at(-1)?.value ?? 0) / MIB).toFixed(0);
  console.log(
    `miner ${anonymous} MiB anonymous, ${(slopePerHour(late) / MIB).toFixed(1)} MiB an hour in the second half`,
  );
  const settled = looks[looks.length >> 2]!;
  const last = looks.at(-1)!;
  const heap = looks.slice(looks.length >> 1).map(({ atMs, heap: value }) => ({ atMs, value }));
  const mib = (bytes: number): string => (bytes / MIB).toFixed(2);
  console.log(
    `page heap ${mib(settled.heap)} MiB after a quarter, ${mib(last.heap)} at the end, ` +
      `${(slopePerHour(heap) / MIB).toFixed(2)} MiB an hour in the second half`,
  );
  console.log(`nodes ${settled.nodes} and ${last.nodes}, listeners ${settled.listeners} and ${last.listeners}`);
  const grown = (['heap', 'nodes', 'listeners'] as const).filter(
    (name) => last[name] - settled[name] > PAGE_GROWTH[name],
  );
  for (const name of grown) console.log(`  ${name} grew from ${settled[name]} to ${last[name]}`);
  for (const text of new Set(complaints)) console.log(`  the page complained: ${text}`);
  const isDear = open.cost.main + open.cost.readers > MAX_COST;
  if (isDear) console.log(`  the page costs more than ${percent(MAX_COST)} of a core`);
  return grown.length === 0 && complaints.length === 0 && !isDear;
}
