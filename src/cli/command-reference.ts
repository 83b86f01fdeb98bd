import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { createStyle } from '../text/index.js';
import { allCommands } from './commands/index.js';
import type { CliContext } from './context.js';

/** Width of the help texts. */
const WIDTH = 100;

/** Networks whose commands have their own page. */
const ELSEWHERE: ReadonlySet<string> = new Set(['flock', 'aitbc']);

const INTRODUCTION = `# Commands

Generated from the commands' help by \`npm run build && node scripts/write-command-reference.mjs\`.

Every command that prints data takes \`--json\`: one JSON object on stdout, or one per line for streams. Amounts in JSON are
shannons (10^9 make a SOMA) and, like all 64-bit integers, decimal strings. Data goes to stdout, messages to stderr; an error
is one line with a hint below it, or \`{"error":{"code","message","hint",…}}\` with \`--json\`.

| exit code | meaning |
|---|---|
| 0 | success |
| 1 | failure |
| 2 | invalid command line |
| 3 | invalid configuration: settings, keys, an unknown network |
| 4 | the network cannot be reached |
| 130 | interrupted |

Settings come from flags, then the environment, then a \`.env\` file of the working directory (\`--dotenv\`), then
\`quarry.yaml\`. Secret keys are never flags: \`SOMA_SECRET_KEY\`, a key
file with mode 0600, or the official tool's wallet.

The commands of the other networks are described in [flock.md](flock.md) and [aitbc.md](aitbc.md).
`;

/** Reference of all commands as Markdown: the output of \`--help\` under headings. */
export async function commandReference(): Promise<string> {
  const parts = [INTRODUCTION];
  const visit = (command: Command, path: string, level: number): void => {
    parts.push(`${'#'.repeat(level)} ${path}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`);
    for (const child of command.commands) visit(child, `${path} ${child.name()}`, Math.min(level + 1, 4));
  };
  const program = new Command('quarry').helpCommand(false);
  for (const command of await allCommands(silentContext())) program.addCommand(command);
  const shown = program.commands.filter((command) => !ELSEWHERE.has(command.name()));
  for (const command of shown) visit(command, `quarry ${command.name()}`, 2);
  return parts.join('\n');
}

function helpOf(command: Command): string {
  let text = '';
  command.helpCommand(false).configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trim();
}

/** A context for commands that are only asked for their help. */
export function silentContext(): CliContext {
  const style = createStyle(false);
  return {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
    signal: new AbortController().signal,
    isTty: false,
    isErrTty: false,
    columns: undefined,
    style,
    errStyle: style,
  };
}
