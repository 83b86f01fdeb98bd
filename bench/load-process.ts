import type { ToldByCase } from './load.js';
import { type LoadCase, measureLoad } from './load-cases.js';

// One case of the load bench, in a process of its own.

const [, , name, size] = process.argv;
const tell = (told: ToldByCase): Promise<void> =>
  new Promise((resolve) => process.send?.(told, () => resolve()) ?? resolve());
try {
  for await (const result of measureLoad(name as LoadCase, size === 'quick')) await tell({ result });
  process.exit(0);
} catch (error) {
  await tell({ failure: `: ${error instanceof Error ? error.message : String(error)}` });
  process.exit(1);
}
