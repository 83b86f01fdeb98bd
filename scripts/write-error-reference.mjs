// Writes docs/errors.md from the list of codes, as built in dist/. A test checks that it is current.
import { writeFileSync } from 'node:fs';
import { errorReference } from '../dist/src/cli/error-reference.js';

writeFileSync(new URL('../docs/errors.md', import.meta.url), errorReference());
