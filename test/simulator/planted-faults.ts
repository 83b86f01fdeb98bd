import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A fault of the miner that the simulator must find: an edit of its source. */
export interface PlantedFault {
  readonly name: string;
  /** Below the root of the repository. */
  readonly path: string;
  readonly right: string;
  readonly wrong: string;
}

/** Each has cost, or would cost, money. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: 'a refusal is believed without a look for the transaction',
    path: 'src/soma/client/execute/recover-transaction.ts',
    right: "if (result !== undefined) return { kind: 'executed', result };",
    wrong: '',
  },
  {
    name: 'a claim that was sent before is not looked up',
    path: 'src/miner/submit/claim-target.ts',
    right: "if (state !== 'built' || signed === undefined) return undefined;",
    wrong: 'if (Date.now() > 0) return undefined;',
  },
  {
    name: 'what a claim brought is counted twice',
    path: 'src/miner/submit/claim-target.ts',
    right: "journal.claims.recordOutcome(targetId, 'claimed', { receivedShannons, feeShannons });",
    wrong:
      "journal.claims.recordOutcome(targetId, 'claimed', { receivedShannons: 2n * receivedShannons, feeShannons });",
  },
  {
    name: 'a coin is handed out twice',
    path: 'src/soma/client/account/coin-pool.ts',
    right: "for (const { objectId } of coins) this.#setState(this.#entries.get(objectId)!, 'leased');",
    wrong: '',
  },
  {
    name: 'coins of a transaction that may still arrive are used again',
    path: 'src/miner/submit/quarantine-signed-coins.ts',
    right: 'account.pool.quarantineNamed(signed.flatMap(coinsOf));',
    wrong: 'signed.flatMap(coinsOf);',
  },
  {
    name: 'a submission leaves before the journal has it',
    path: 'src/miner/submit/submission.ts',
    right: 'await journal.together(write);',
    wrong: 'void new Promise((late) => setTimeout(late, 2_000)).then(() => journal.together(write)).catch(() => {});',
  },
];

/** Seeds that a planted fault has to show itself in. */
const SEEDS = 20;
const ROOT = new URL('../..', import.meta.url).pathname;

/**
 * Plays seeds against a copy of the sources with the fault in it, until one fails.
 *
 * @returns what the simulator says
 */
export async function simulateWith({ path, right, wrong }: PlantedFault): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'quarry-planted-'));
  try {
    await Promise.all([
      ...['src', 'test/simulator', 'test/miner', 'test/soma'].map((each) =>
        cp(join(ROOT, each), join(copy, each), { recursive: true }),
      ),
      ...['node_modules', 'package.json', 'tsconfig.json', 'native'].map((each) =>
        symlink(join(ROOT, each), join(copy, each)),
      ),
    ]);
    const text = await readFile(join(copy, path), 'utf8');
    if (text.split(right).length !== 2) throw new Error(`${path} does not have it once: ${right}`);
    await writeFile(
      join(copy, path),
      text.replace(right, () => wrong),
    );
    const args = ['--import', 'tsx', 'test/simulator/main.ts', '--count', String(SEEDS), '--until-fault'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: copy }).catch(
      (error: { readonly code?: unknown; readonly stdout: string }) => {
        if (error.code === 1) return error;
        throw error;
      },
    );
    return stdout;
  } finally {
    await rm(copy, { recursive: true });
  }
}
