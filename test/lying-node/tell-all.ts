import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { LiedToMiner, type Verdict } from './lied-to-miner.js';
import { allLies, type Lie } from './lies.js';
import { hasField } from './rewrite.js';

export interface TellingOptions {
  /** Chooses and orders the lies. */
  readonly seed: number;
  /** Miners that listen at the same time. */
  readonly miners: number;
  /** Only lies whose name matches. */
  readonly only?: RegExp | undefined;
  /** Maximum number of lies. */
  readonly count?: number | undefined;
  /** No further lie starts after this long, milliseconds. */
  readonly budgetMs?: number | undefined;
  /** How long a lie waits to be told, milliseconds. Default 15,000. */
  readonly tellingMs?: number | undefined;
  readonly onVerdict?: (lie: Lie, verdict: Verdict) => void;
}

export interface Telling {
  readonly chosen: number;
  readonly told: number;
  readonly notTold: readonly string[];
  /** Lies that ended or blinded a miner, and did so again to one that heard nothing else. */
  readonly findings: readonly string[];
}

/** Answers to learn from before lies are chosen. */
const METHODS_TO_SEE = ['GetServiceInfo', 'GetEpoch', 'ListTargets', 'ListOwnedObjects', 'GetCheckpoint'];

/** Tells lies to miners at work, each miner one after the other. */
export async function tellAll(options: TellingOptions): Promise<Telling> {
  const begun = performance.now();
  const { tellingMs = 15_000 } = options;
  const first = await LiedToMiner.start();
  await first.showEverything(METHODS_TO_SEE);
  const lies = choose(first, options);
  const queue = [...lies];
  const notTold: string[] = [];
  const findings: string[] = [];
  let told = 0;
  const listen = async (fresh: Promise<LiedToMiner>): Promise<void> => {
    let miner = await fresh;
    for (let lie = queue.pop(); lie !== undefined; lie = queue.pop()) {
      const verdict = await miner.hear(lie, tellingMs);
      options.onVerdict?.(lie, verdict);
      if (verdict.kind === 'not told') notTold.push(lie.name);
      else told++;
      if (verdict.kind === 'ended' || verdict.kind === 'blind') {
        await miner.close();
        const again = await hearAlone(lie, tellingMs);
        if (again !== undefined) findings.push(again);
        miner = await LiedToMiner.start();
      }
      if (options.budgetMs !== undefined && performance.now() - begun > options.budgetMs) break;
    }
    await miner.close();
  };
  const others = Array.from({ length: options.miners - 1 }, () => LiedToMiner.start());
  await Promise.all([Promise.resolve(first), ...others].map(listen));
  return { chosen: lies.length, told, notTold, findings };
}

/** What one lie does to a miner that hears no other; `undefined` when it recovers. */
async function hearAlone(lie: Lie, tellingMs: number): Promise<string | undefined> {
  const miner = await LiedToMiner.start();
  const verdict = await miner.hear(lie, tellingMs);
  await miner.close();
  if (verdict.kind === 'recovered' || verdict.kind === 'not told') return undefined;
  return `${lie.name}: ${verdict.kind}\n    ${verdict.why}`;
}

/** Lies about what honest answers have, and a few about what they lack. */
function choose({ proxy }: LiedToMiner, { seed, only, count }: TellingOptions): Lie[] {
  const random = seededRandom(seed);
  const isPresent = (lie: Lie): boolean =>
    lie.kind === 'answer' || (proxy.answers.get(lie.method) ?? []).some((answer) => hasField(answer, lie.path));
  const lies = allLies(new Set(proxy.answers.keys()))
    .filter((lie) => only === undefined || only.test(lie.name))
    .map((lie) => ({ lie, key: random() }))
    // Fields that this node does not send are invented for one lie in eight.
    .filter(({ lie, key }) => isPresent(lie) || key < 1 / 8)
    .sort((a, b) => a.key - b.key)
    .map(({ lie }) => lie);
  return count === undefined ? lies : lies.slice(-count);
}
