// Writes docs/commands.md from the help of every command, as built in dist/. A test checks that it is current.
import { writeFileSync } from 'node:fs';
import { commandReference } from '../dist/src/cli/command-reference.js';

writeFileSync(new URL('../docs/commands.md', import.meta.url), await commandReference());
