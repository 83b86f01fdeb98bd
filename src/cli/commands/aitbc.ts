import { Command } from 'commander';
import type { ScoringEngine } from '../../engine/contract.js';
import type { CliContext } from '../context.js';
import { demoCommand } from './aitbc/demo.js';
import { jobsCommand } from './aitbc/jobs.js';
import { minerCommand } from './aitbc/miner.js';
import { offersCommand } from './aitbc/offers.js';
import { receiptsCommand } from './aitbc/receipts.js';
import { registryCommand, servicesCommand } from './aitbc/registry.js';
import { serveCommand } from './aitbc/serve.js';
import { healthCommand, loginCommand, watchCommand } from './aitbc/watch.js';

export interface AitbcCommandDeps {
  /** Engine for scoring jobs. Default: the best available one if weights are given, otherwise the JavaScript engine. */
  readonly createEngine?: (() => Promise<ScoringEngine>) | undefined;
}

/** `quarry aitbc`. */
export function aitbcCommand(context: CliContext, deps: AitbcCommandDeps = {}): Command {
  return new Command('aitbc')
    .description('AITBC: compute jobs, a marketplace and verified receipts')
    .addCommand(demoCommand(context, deps.createEngine))
    .addCommand(jobsCommand(context))
    .addCommand(offersCommand(context))
    .addCommand(receiptsCommand(context))
    .addCommand(minerCommand(context, deps.createEngine))
    .addCommand(servicesCommand(context))
    .addCommand(registryCommand(context))
    .addCommand(watchCommand(context))
    .addCommand(healthCommand(context))
    .addCommand(loginCommand(context))
    .addCommand(serveCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nKeys come from the environment: AITBC_API_KEY, AITBC_TOKEN, AITBC_WALLET_KEY, AITBC_MINER_KEY, AITBC_ADMIN_KEY.\n\nExample:\n  quarry aitbc demo',
    );
}
