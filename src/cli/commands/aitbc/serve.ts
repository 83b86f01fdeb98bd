import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { DocumentedServer, keyIdOf, LiveServer } from '../../../devnet/index.js';
import { QuarryError } from '../../../errors/index.js';
import { renderFields, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { portNumber, wholeNumber } from '../../parse-argument.js';
import { untilInterrupted } from '../../until-interrupted.js';
import { example } from './jobs.js';
import { say, tell } from './print.js';

interface ServeFlags {
  readonly dialect: 'documented' | 'live-key' | 'live-jwt';
  readonly port: number;
  readonly jobTypes?: string | undefined;
  readonly rateLimited: number;
  readonly failing: number;
  readonly json?: boolean | undefined;
}

/** `quarry aitbc serve`. */
export function serveCommand(context: CliContext): Command {
  return new Command('serve')
    .description('run an in-memory coordinator on this machine for experiments; fresh keys every time')
    .addOption(
      new Option('--dialect <name>', 'which dialect to speak')
        .choices(['documented', 'live-key', 'live-jwt'])
        .default('documented'),
    )
    .option('--port <n>', '0: any free port', portNumber, 8011)
    .option('--job-types <types>', 'documented: accept only these types, comma-separated; others are INVALID_JOB_TYPE')
    .option('--rate-limited <n>', 'documented: answer the first calls with RATE_LIMIT_EXCEEDED', wholeNumber, 0)
    .option('--failing <n>', 'documented: answer the first calls with INTERNAL_ERROR', wholeNumber, 0)
    .option('--json', 'one line with address and keys once it is serving')
    .addHelpText('after', example('serve --dialect live-jwt --port 8203'))
    .action(async (flags: ServeFlags) => {
      const faults = flags.jobTypes !== undefined || flags.rateLimited > 0 || flags.failing > 0;
      if (flags.dialect !== 'documented' && faults) {
        throw new QuarryError('USAGE', '--job-types, --rate-limited and --failing belong to the documented dialect');
      }
      const [clientKey = '', minerKey = '', adminKey = '', walletKey = ''] = Array.from({ length: 4 }, () =>
        randomBytes(32).toString('hex'),
      );
      const [signerSeed, attesterSeed] = [randomBytes(32), randomBytes(32)];
      const common = { clientKeys: [clientKey], minerKeys: [minerKey], signerSeed, attesterSeed, port: flags.port };
      const server =
        flags.dialect === 'documented'
          ? await DocumentedServer.start({
              ...common,
              jobTypes: flags.jobTypes?.split(',').map((type) => type.trim()),
              rateLimited: flags.rateLimited,
              failing: flags.failing,
            })
          : await LiveServer.start({
              ...common,
              generation: flags.dialect === 'live-key' ? 'key' : 'jwt',
              adminKeys: [adminKey],
            });
      const settings: Record<string, string> = {
        AITBC_BASE_URL: server.url,
        ...(flags.dialect === 'live-jwt' ? { AITBC_WALLET_KEY: walletKey } : { AITBC_API_KEY: clientKey }),
        AITBC_MINER_KEY: minerKey,
        ...(flags.dialect === 'live-key' && { AITBC_ADMIN_KEY: adminKey }),
        ...(server instanceof LiveServer && { AITBC_MARKETPLACE_URL: server.marketplaceUrl }),
        AITBC_TRUSTED_SIGNERS: keyIdOf(signerSeed),
        AITBC_TRUSTED_ATTESTERS: keyIdOf(attesterSeed),
      };
      try {
        if (flags.json) say(context, toJsonLine({ dialect: flags.dialect, settings }));
        else {
          const lines = Object.entries(settings).map(([name, value]) => `export ${name}=${value}`);
          say(context, lines.join('\n'));
          tell(context, renderFields([['serving', `${flags.dialect} at ${server.url}, until interrupted`]]));
        }
        await untilInterrupted(context.signal);
      } finally {
        await server.close();
      }
    });
}
