// Writes docs/commands.md and man/quarry.1 from the commands, and docs/settings.md from the settings, as built in dist/. Tests check
// that they are current.
import { mkdirSync, writeFileSync } from 'node:fs';
import { commandReference } from '../dist/src/cli/command-reference.js';
import { manPage } from '../dist/src/cli/man-page.js';
import { settingsReference } from '../dist/src/cli/settings-reference.js';

writeFileSync(new URL('../docs/commands.md', import.meta.url), await commandReference());
mkdirSync(new URL('../man/', import.meta.url), { recursive: true });
writeFileSync(new URL('../man/quarry.1', import.meta.url), await manPage());
writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsReference());
