#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  process.stderr.write('error: quarry is not built yet\nhint: run: npm run build\n');
  process.exit(1);
}
const { runCli } = await import(main.href);
await runCli(process);
