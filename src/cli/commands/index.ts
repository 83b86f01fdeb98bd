import type { Command } from 'commander';
import type { CliContext } from '../context.js';
import { aitbcCommand } from './aitbc.js';
import { benchCommand } from './bench.js';
import { claimCommand } from './claim.js';
import { completionCommand } from './completion.js';
import { dataCommand } from './data.js';
import { demoCommand } from './demo.js';
import { devnetCommand } from './devnet.js';
import { doctorCommand } from './doctor.js';
import { flockCommand } from './flock.js';
import { historyCommand } from './history.js';
import { mineCommand } from './mine.js';
import { modelsCommand } from './models.js';
import { profitCommand } from './profit.js';
import { scoreCommand } from './score.js';
import { storeCommand } from './store.js';
import { submitCommand } from './submit.js';
import { targetsCommand } from './targets.js';
import { txCommand } from './tx.js';
import { walletCommand } from './wallet.js';
import { whyCommand } from './why.js';

/** Every command, in the order the help lists them. */
export const commandFactories: readonly ((context: CliContext) => Command)[] = [
  demoCommand,
  mineCommand,
  historyCommand,
  whyCommand,
  profitCommand,
  targetsCommand,
  modelsCommand,
  dataCommand,
  scoreCommand,
  submitCommand,
  claimCommand,
  walletCommand,
  txCommand,
  storeCommand,
  devnetCommand,
  doctorCommand,
  benchCommand,
  flockCommand,
  aitbcCommand,
  completionCommand,
];
