import type { Miner } from '../../miner/index.js';
import type { CliContext } from '../context.js';
import type { MiningReporter } from './mining-reporter.js';
import { summaryLines } from './summary-lines.js';

const HELP = [
  'keys:',
  '  h  this help',
  '  p  pause: score and submit nothing, keep following targets',
  '  r  resume',
  '  s  summary so far',
  '  q  quit like Ctrl-C: submissions in flight finish first; Ctrl-C again stops now',
];

/**
 * Lets the user control a miner with single keys. Does nothing if there is no terminal or stdin is data. Returns a
 * function to call after the miner has ended.
 */
export function listenToKeys(
  context: Pick<CliContext, 'keys' | 'errStyle'>,
  miner: Miner,
  reporter: Pick<MiningReporter, 'say' | 'show'>,
  stdinIsData: boolean,
): () => void {
  if (context.keys === undefined || stdinIsData) return () => {};
  const actions: Readonly<Record<string, () => void>> = {
    h: () => reporter.show(HELP),
    p: () => miner.pause('key p; r resumes'),
    r: () => miner.resume(),
    s: () => reporter.show(summaryLines(miner.summary(), context.errStyle)),
    q: () => {
      reporter.say('quitting: submissions in flight finish first', 'quitting');
      miner.stop();
    },
  };
  return context.keys((key) => actions[key.toLowerCase()]?.());
}
