import { Command } from 'commander';
import { expect, test } from 'vitest';
import { silentContext } from '../../src/cli/command-reference.js';
import type { CliContext } from '../../src/cli/context.js';
import { runCaptured } from '../../src/cli/mcp/run-captured.js';
import { sayJson } from '../../src/cli/print.js';

const { signal } = new AbortController();

async function count(_args: readonly string[], context: CliContext): Promise<Command[]> {
  return [
    new Command('count').option('--json').action(() => {
      for (const n of [1, 2]) sayJson(context, { n, ofTheServer: [context.keys, context.onHangup] });
    }),
  ];
}
const outer: CliContext = { ...silentContext(), keys: () => () => {}, onHangup: () => {} };
const records = [1, 2].map((n) => ({ n, ofTheServer: [null, null] }));

test('records are returned, or told one by one and not kept; keys and hang-ups stay with the server', async () => {
  expect(await runCaptured(['count'], { signal }, outer, count)).toEqual(records);
  const told: unknown[] = [];
  expect(await runCaptured(['count'], { signal, onRecord: (each) => told.push(each) }, outer, count)).toEqual([]);
  expect(told).toEqual(records);
});
