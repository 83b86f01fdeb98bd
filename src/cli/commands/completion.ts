import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion-script.js';
import type { CliContext } from '../context.js';
import { examples } from '../print.js';

/**
 * `quarry completion`: generates a shell completion script from the command tree.
 *
 * @param commands loads all commands in full
 */
export function completionCommand(context: CliContext, commands: () => Promise<readonly Command[]>): Command {
  const command = new Command('completion')
    .description('print a script that completes commands and flags')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', examples('completion bash > /etc/bash_completion.d/quarry', 'completion fish | source'));
  return command.action(async (shell: Shell) => {
    const program = new Command('quarry');
    for (const each of await commands()) program.addCommand(each);
    context.stdout.write(completionScript(program, shell));
  });
}
