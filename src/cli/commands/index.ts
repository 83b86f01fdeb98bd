import type { Command } from 'commander';
import type { CliContext } from '../context.js';
import { aitbcCommand } from './aitbc.js';
import { benchCommand } from './bench.js';
import { claimCommand } from './claim.js';
import { dataCommand } from './data.js';
import { demoCommand } from './demo.js';
import { devnetCommand } from './devnet.js';
import { doctorCommand } from './doctor.js';
import { fleetCommand } from './fleet.js';
import { flockCommand } from './flock.js';
import { mineCommand } from './mine.js';
import { modelsCommand } from './models.js';
import { scoreCommand } from './score.js';
import { scorerCommand } from './scorer.js';
import { serveCommand } from './serve.js';
import { storeCommand } from './store.js';
import { submitCommand } from './submit.js';
import { targetsCommand } from './targets.js';
import { txCommand } from './tx.js';
import { walletCommand } from './wallet.js';

/** Every command, in the order the help lists them. */
export const commandFactories: readonly ((context: CliContext) => Command)[] = [
  demoCommand,
  mineCommand,
  targetsCommand,
  modelsCommand,
  dataCommand,
  scoreCommand,
  submitCommand,
  claimCommand,
  walletCommand,
  txCommand,
  storeCommand,
  serveCommand,
  scorerCommand,
  fleetCommand,
  devnetCommand,
  doctorCommand,
  benchCommand,
  flockCommand,
  aitbcCommand,
];
