import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** When a miner process is killed: so long after it was started, or after its n-th line of one kind. */
export type KillPoint =
  | { readonly afterSpawnMs: number }
  | { readonly event: string; readonly count: number; readonly thenMs: number };

/** What a killed process had told. */
export interface KilledRun {
  readonly events: Readonly<Record<string, number>>;
  /** Whether it was killed by us and did not end by itself. */
  readonly killed: boolean;
  readonly stderr: string;
}

/** A run whose kill point does not come is killed so long after its first hit, or its start. */
const LONGEST_AFTER_HIT_MS = 1_000;
const LONGEST_RUN_MS = 20_000;

/** Runs `quarry mine` until the kill point and ends it with SIGKILL. */
export function mineUntilKilled(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  at: KillPoint,
  longestRunMs = LONGEST_RUN_MS,
): Promise<KilledRun> {
  return new Promise((resolve, reject) => {
    const program = join(import.meta.dirname, '..', '..', 'bin', 'quarry.js');
    const child: ChildProcess = spawn(process.execPath, [program, 'mine', '--json', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    });
    const events: Record<string, number> = {};
    let stderr = '';
    const timers: NodeJS.Timeout[] = [];
    const killAfter = (ms: number): void => void timers.push(setTimeout(() => child.kill('SIGKILL'), ms));
    killAfter('afterSpawnMs' in at ? at.afterSpawnMs : longestRunMs);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { event } = JSON.parse(line.endsWith('}') ? line : '{"event":"cut"}') as { event: string };
        events[event] = (events[event] ?? 0) + 1;
        if ('event' in at && event === at.event && events[event] === at.count) {
          if (at.thenMs === 0) child.kill('SIGKILL');
          else killAfter(at.thenMs);
        }
        if (event === 'hit' && events[event] === 1) killAfter(LONGEST_AFTER_HIT_MS);
      });
    }
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ events, killed: signal === 'SIGKILL', stderr });
    });
  });
}
