import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startDemoArena } from '../../../devnet/flock/demo-arena.js';
import { QuarryError } from '../../../errors/index.js';
import { toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { countArgument, LAST_PORT } from '../../parse-argument.js';
import { say, tell } from '../../print.js';
import { untilInterrupted } from '../../until-interrupted.js';

/** `quarry flock demo`: runs the arena on this machine and a tour of it, using the commands themselves. */
export function demoCommand(context: CliContext, commands: (context: CliContext) => Command): Command {
  return new Command('demo')
    .description('start an arena, a data store and a Hub on this machine and tour them; needs no account')
    .option('--serve', 'leave the servers running for your own commands, until Ctrl-C')
    .option('--port <n>', 'first of three ports (default: any free ones)')
    .option('--json', 'addresses as one JSON object, without the tour')
    .addHelpText('after', '\nExamples:\n  quarry flock demo\n  quarry flock demo --serve --port 8460')
    .action(
      async (flags: {
        readonly serve?: boolean | undefined;
        readonly port?: string | undefined;
        readonly json?: boolean | undefined;
      }) => {
        const port = countArgument(flags.port, '--port', 0, LAST_PORT - 2);
        const arena = await startDemoArena({ port });
        try {
          if (flags.json) say(context, toJsonLine(arena.env));
          else if (flags.serve) {
            for (const [name, value] of Object.entries(arena.env)) say(context, `export ${name}='${value}'`);
          }
          if (flags.serve) {
            tell(context, 'serving; Ctrl-C ends it');
            await untilInterrupted(context.signal);
          } else if (!flags.json) await tour(context, commands, arena.env);
        } finally {
          await arena.close();
        }
      },
    );
}

/** A tour of the arena; each step is a command that the reader can type. */
async function tour(
  context: CliContext,
  commands: (context: CliContext) => Command,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-flock-demo-'));
  const outputs = join(dir, 'outputs');
  await mkdir(outputs);
  await writeFile(
    join(outputs, 'adapter_config.json'),
    `${JSON.stringify({ peft_type: 'LORA', r: 8, base_model_name_or_path: 'Qwen/Qwen2.5-7B' })}\n`,
  );
  await writeFile(join(outputs, 'adapter_model.safetensors'), tinyAdapter());
  await writeFile(join(outputs, 'README.md'), '# A demo adapter\n');
  const scorer = `${JSON.stringify(process.execPath)} -e ${JSON.stringify("process.stdin.resume().on('end',()=>console.log(JSON.stringify({loss:0.731})))")}`;
  const steps: readonly (readonly [why: string, args: readonly string[], shown?: string])[] = [
    ['Which tasks accept submissions?', ['tasks']],
    [
      'And the finished ones, newest first',
      ['tasks', '--status', 'finalized', '--columns', 'id,title,closes (utc),params,vram'],
    ],
    ['Fetch the training set of task 7', ['download', '7', '-o', join(dir, 'training_set.jsonl')], 'download 7'],
    [
      'Upload a trained adapter, check it as a validator would, submit it',
      ['publish', '7', '--repo', 'demo-miner/task-7-Qwen2.5-7B', '--dir', outputs, '--base-model', 'qwen1.5', '--yes'],
      'publish 7 --repo demo-miner/task-7-Qwen2.5-7B --dir outputs --base-model qwen1.5 --yes',
    ],
    [
      'Validate one assignment',
      ['validate', 'loop', '7', '--max', '1', '--scorer', scorer],
      'validate loop 7 --max 1 --scorer ./score.sh',
    ],
    ['How did the submission do?', ['subs', '7']],
    ['What is going on in the arena?', ['stats', 'daily', '--last', '5']],
  ];
  try {
    for (const [why, args, shown] of steps) {
      if (context.signal.aborted) return;
      context.stdout.write(
        `\n${context.style.bold(`# ${why}`)}\n$ quarry flock ${shown ?? args.map((arg) => (arg.includes(' ') ? `"${arg}"` : arg)).join(' ')}\n`,
      );
      const inner: CliContext = {
        ...context,
        env: { ...context.env, ...env, HOME: dir, XDG_STATE_HOME: join(dir, 'state'), FLOCK_ARENA_API_KEY: '' },
      };
      const command = commands(inner).exitOverride();
      try {
        await command.parseAsync([...args], { from: 'user' });
      } catch (error) {
        if (error instanceof QuarryError) throw error;
        throw new QuarryError('INTERNAL', `the demo step ${args[0]} failed`, { cause: error });
      }
    }
    context.stdout.write(
      '\nThe servers have stopped. With an account, set FLOCK_API_KEY and HF_TOKEN and run the same commands.\n',
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A safetensors file with one small tensor: header length, header, zeros. */
function tinyAdapter(): Buffer {
  const header = Buffer.from(
    JSON.stringify({ 'lora_A.weight': { dtype: 'F32', shape: [8, 16], data_offsets: [0, 512] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(512)]);
}
