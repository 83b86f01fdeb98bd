// Writes docs/commands.md and man/quarry.1 from the commands, as built in dist/. A test checks that both are current.
import { mkdirSync, writeFileSync } from 'node:fs';
import { commandReference } from '../dist/src/cli/command-reference.js';
import { manPage } from '../dist/src/cli/man-page.js';

writeFileSync(new URL('../docs/commands.md', import.meta.url), await commandReference());
mkdirSync(new URL('../man/', import.meta.url), { recursive: true });
writeFileSync(new URL('../man/quarry.1', import.meta.url), await manPage());
