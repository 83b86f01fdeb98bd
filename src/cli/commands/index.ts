import { Command } from 'commander';
import type { CliContext } from '../context.js';

/** A command that is loaded on demand, as loading dominates startup time. */
export interface CommandEntry {
  readonly name: string;
  /** Must equal the command's own; a test compares them. */
  readonly description: string;
  readonly load: () => Promise<(context: CliContext) => Command>;
}

/** All commands, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    description: 'boot an embedded network, publish models, mine real files, claim the rewards',
    load: async () => (await import('./demo.js')).demoCommand,
  },
  {
    name: 'init',
    description: 'write a commented quarry.yaml and check what mining needs',
    load: async () => (await import('./init.js')).initCommand,
  },
  {
    name: 'mine',
    description: 'mine a network until stopped: score data, match targets, submit, claim',
    load: async () => (await import('./mine.js')).mineCommand,
  },
  {
    name: 'dashboard',
    description: 'serve a page about a miner from its state directory, until interrupted',
    load: async () => (await import('./dashboard.js')).dashboardCommand,
  },
  {
    name: 'history',
    description: 'what was earned, lost and rejected, by day, epoch, model or source',
    load: async () => (await import('./history.js')).historyCommand,
  },
  {
    name: 'why',
    description:
      'everything known about one target or sample: when it was seen and sent, the answer, who won, what else was near',
    load: async () => (await import('./why.js')).whyCommand,
  },
  {
    name: 'profit',
    description: 'rewards, fees, outstanding bonds, and the daily rate',
    load: async () => (await import('./profit.js')).profitCommand,
  },
  {
    name: 'backup',
    description: 'copy journal, store and hosted data, whether the miner runs or not',
    load: async () => (await import('./backup.js')).backupCommand,
  },
  {
    name: 'restore',
    description: 'restore a backup into an empty state directory',
    load: async () => (await import('./restore.js')).restoreCommand,
  },
  {
    name: 'targets',
    description: 'list, show and watch targets',
    load: async () => (await import('./targets.js')).targetsCommand,
  },
  {
    name: 'models',
    description: 'list, fetch, generate and publish models',
    load: async () => (await import('./models.js')).modelsCommand,
  },
  {
    name: 'data',
    description: 'submitted data',
    load: async () => (await import('./data.js')).dataCommand,
  },
  {
    name: 'score',
    description: 'score local files with a local weight file: loss and embedding, one sample per file',
    load: async () => (await import('./score.js')).scoreCommand,
  },
  {
    name: 'submit',
    description: 'score one file under the models of a target and submit it if it hits',
    load: async () => (await import('./submit.js')).submitCommand,
  },
  {
    name: 'claim',
    description: 'claim the rewards of your filled targets, two epochs after they were filled',
    load: async () => (await import('./claim.js')).claimCommand,
  },
  {
    name: 'wallet',
    description: "keys, balances and coins; reads and writes the official tool's wallet",
    load: async () => (await import('./wallet.js')).walletCommand,
  },
  {
    name: 'tx',
    description: 'send, look up, simulate and sign transactions; amounts are decimal SOMA',
    load: async () => (await import('./tx.js')).txCommand,
  },
  {
    name: 'store',
    description: 'inspect and maintain the embedding store of a miner',
    load: async () => (await import('./store.js')).storeCommand,
  },
  {
    name: 'serve',
    description:
      "serve the network's Scoring service, like `soma start scoring`, with an engine of this machine or a fleet",
    load: async () => (await import('./serve.js')).serveCommand,
  },
  {
    name: 'scorer',
    description: 'score for a coordinator elsewhere, over NATS, until stopped',
    load: async () => (await import('./scorer.js')).scorerCommand,
  },
  {
    name: 'fleet',
    description: 'inspect scorers on other machines',
    load: async () => (await import('./fleet.js')).fleetCommand,
  },
  {
    name: 'mcp',
    description: 'serve tools to agents: the Model Context Protocol over stdio, or HTTP on loopback',
    load: async () => {
      const { mcpCommand } = await import('./mcp.js');
      return (context) => mcpCommand(context, commandsFor);
    },
  },
  {
    name: 'completion',
    description: 'print a script that completes commands and flags',
    load: async () => {
      const { completionCommand } = await import('./completion.js');
      return (context) => completionCommand(context, () => allCommands(context));
    },
  },
  {
    name: 'devnet',
    description: 'run the embedded network until interrupted',
    load: async () => (await import('./devnet.js')).devnetCommand,
  },
  {
    name: 'doctor',
    description:
      'show which engines run on this machine and why others do not, whether everything mining needs is in place, and what to do next',
    load: async () => (await import('./doctor.js')).doctorCommand,
  },
  {
    name: 'setup',
    description: 'show what else this machine needs, and the commands for it',
    load: async () => (await import('./setup.js')).setupCommand,
  },
  {
    name: 'build-native',
    description: 'build the native core from the installed sources: needs a C++20 compiler, make and python3',
    load: async () => (await import('./build-native.js')).buildNativeCommand,
  },
  {
    name: 'bench',
    description: 'measure speed against the limits of this machine, after checking the results',
    load: async () => (await import('./bench.js')).benchCommand,
  },
  {
    name: 'flock',
    description: "FLock's AI Arena: tasks, training sets, uploads, submissions, validation, statistics",
    load: async () => (await import('./flock.js')).flockCommand,
  },
  {
    name: 'aitbc',
    description: 'AITBC: compute jobs, a marketplace and verified receipts',
    load: async () => (await import('./aitbc.js')).aitbcCommand,
  },
];

/**
 * The commands to register for a command line: only the named one, fully loaded; or all of them with just names and
 * descriptions, as for the help.
 */
export async function commandsFor(args: readonly string[], context: CliContext): Promise<Command[]> {
  const named = COMMANDS.find(({ name }) => name === args.find((arg) => !arg.startsWith('-')));
  if (named !== undefined) return [(await named.load())(context)];
  return COMMANDS.map(({ name, description }) => new Command(name).description(description));
}

/** All commands, fully loaded. */
export async function allCommands(context: CliContext): Promise<Command[]> {
  return await Promise.all(COMMANDS.map(async ({ load }) => (await load())(context)));
}
