import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import { addonPath } from '../../native/addon-file.js';
import { packageRoot } from '../../package/package-root.js';
import type { CliContext } from '../context.js';
import { examples, printRecord } from '../print.js';

/** `quarry build-native`: builds the native core from the installed sources. */
export function buildNativeCommand(context: CliContext): Command {
  return new Command('build-native')
    .description('build the native core from the installed sources: needs a C++20 compiler, make and python3')
    .option('--verbose', "show the compiler's output")
    .option('--json', 'one JSON object on stdout')
    .addHelpText('after', examples('build-native'))
    .action(async (flags: { verbose?: boolean | undefined; json?: boolean | undefined }) => {
      const script = join(packageRoot(), 'scripts', 'build-native.mjs');
      const args = [script, '--require', ...(flags.verbose ? ['--verbose'] : [])];
      // Build output is diagnostics, even what its tools write to stdout.
      const build = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], signal: context.signal });
      build.stdout.pipe(context.stderr, { end: false });
      build.stderr.pipe(context.stderr, { end: false });
      const [status] = (await once(build, 'close')) as [number | null];
      if (status !== 0) {
        throw new QuarryError('ENGINE_UNAVAILABLE', 'the native core was not built', {
          hint: 'the lines above say what is missing',
        });
      }
      printRecord(context, flags, { file: addonPath() }, [['built', addonPath()]]);
    });
}
