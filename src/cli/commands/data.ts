import { open } from 'node:fs/promises';
import { Command } from 'commander';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { blake2b256 } from '../../native/blake2b.js';
import { formatBytes } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { idArgument } from '../parse-argument.js';
import { examples, sayJson, tell } from '../print.js';
import { type SessionFlags, withNetwork, withSession } from '../soma-session.js';

/** `quarry data`. */
export function dataCommand(context: CliContext): Command {
  const data = new Command('data').description('submitted data');
  withNetwork(data.command('fetch <target>').description('download the winning data of a filled target, verified'))
    .option('--out <file>', 'output file; - is stdout (default: <target>.data)')
    .option('--force', 'replace the file if it exists')
    .addHelpText('after', examples('data fetch 0x… --out sample.txt', 'data fetch 0x… --out - | head'))
    .action((target: string, flags: SessionFlags & { out?: string | undefined; force?: boolean | undefined }) => {
      const targetId = idArgument(target, 'target');
      const file = flags.out ?? `${targetId}.data`;
      return withSession(context, flags, async ({ client, signal }) => {
        const bytes = await client.fetchSubmissionData(targetId, { signal });
        if (file === '-') {
          context.stdout.write(bytes);
          return;
        }
        await writeNewFile(file, bytes, flags.force === true);
        const checksum = Buffer.from(blake2b256(bytes)).toString('hex');
        if (flags.json) sayJson(context, { targetId, file, sizeBytes: bytes.byteLength, checksum });
        else tell(context, `${file}: ${formatBytes(bytes.byteLength)}, checksum ${checksum} matches the chain`);
      });
    });
  return data;
}

/** @throws QuarryError `ALREADY_EXISTS` when the file exists and `replace` is false */
async function writeNewFile(path: string, bytes: Uint8Array, replace: boolean): Promise<void> {
  try {
    const file = await open(path, replace ? 'w' : 'wx');
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new QuarryError('ALREADY_EXISTS', `${path} already exists`, { hint: 'name another --out, or add --force' });
    }
    throw toQuarryError(error, `writing ${path}`);
  }
}
