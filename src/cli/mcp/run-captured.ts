import { Readable, Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { QuarryError } from '../../errors/index.js';
import type { CommandRun } from '../../mcp/index.js';
import { childSignal } from '../../net/index.js';
import { createStyle } from '../../text/index.js';
import type { CliContext } from '../context.js';

/**
 * Runs a command in this process like `quarry … --json` and returns the records it wrote.
 *
 * @param commands loads the commands for a command line
 * @throws QuarryError whatever the command fails with
 */
export async function runCaptured(
  args: readonly string[],
  { signal, env, onRecord, onTalk }: CommandRun,
  outer: CliContext,
  commands: (args: readonly string[], context: CliContext) => Promise<Command[]>,
): Promise<unknown[]> {
  const records: unknown[] = [];
  // Do not keep streamed output: a miner that runs for weeks never stops writing.
  const take = onRecord ?? ((record: unknown) => void records.push(record));
  const plain = createStyle(false);
  const link = childSignal(signal, outer.signal);
  const context: CliContext = {
    ...outer,
    // Our own stdin belongs to the agent.
    stdin: Readable.from([]),
    stdout: lineSink((line) => take(JSON.parse(line))),
    stderr: lineSink((line) => onTalk?.(line)),
    env: { ...outer.env, ...env },
    signal: link.signal,
    // Keys and hang-ups are for the server, which outlives its commands.
    keys: undefined,
    onHangup: undefined,
    isTty: false,
    isErrTty: false,
    columns: undefined,
    style: plain,
    errStyle: plain,
  };
  const program = new Command('quarry');
  for (const command of await commands(args, context)) program.addCommand(command);
  quieten(program);
  try {
    await program.parseAsync([...args, '--json'], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) throw new QuarryError('USAGE', error.message.replace(/^error: /, ''));
    throw error;
  } finally {
    link.close();
  }
  return records;
}

function quieten(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  command.commands.forEach(quieten);
}

function lineSink(onLine: (line: string) => void): Writable {
  let rest = '';
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') onLine(line);
      done();
    },
  });
}
