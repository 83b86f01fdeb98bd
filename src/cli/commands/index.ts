import type { Command } from 'commander';
import type { CliContext } from '../context.js';
import { aitbcCommand } from './aitbc.js';
import { demoCommand } from './demo.js';
import { devnetCommand } from './devnet.js';
import { doctorCommand } from './doctor.js';
import { flockCommand } from './flock.js';
import { mineCommand } from './mine.js';

/** Every command, in the order the help lists them. */
export const commandFactories: readonly ((context: CliContext) => Command)[] = [
  demoCommand,
  mineCommand,
  devnetCommand,
  doctorCommand,
  flockCommand,
  aitbcCommand,
];
