// Refuses tests that sleep real time for a condition, and tests that assert how long something took: the first are slow
// on a fast machine and fail on a busy one, the second fail on a busy one. `test/until.ts` waits for conditions.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SLEEP = /await (?:new Promise(?:<\w+>)?\(\s*\(?\w+\)?\s*=>\s*setTimeout\(|sleep\(|pause\(|delay\()/g;
const CLOCK = /expect\(\s*(?:performance|Date)\.now\(\)/g;

/** Tests that sleep because silence is what they test. The numbers may only fall. */
const SLEEPING = {
  'test/cli/models-fetch.test.ts': 1,
  'test/sources/unreadable.test.ts': 1,
};

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'test/*.test.ts'], {
  encoding: 'utf8',
});
let faults = 0;
const fault = (text) => {
  faults++;
  console.error(text);
};
for (const path of files.trim().split('\n')) {
  const text = readFileSync(path, 'utf8');
  const sleeps = text.match(SLEEP)?.length ?? 0;
  const allowed = SLEEPING[path] ?? 0;
  if (sleeps > allowed) fault(`${path}: sleeps ${sleeps} times for a condition; wait with until() of test/until.ts`);
  if (sleeps < allowed) fault(`${path}: sleeps ${sleeps} times; lower its number in scripts/check-tests.mjs`);
  if (CLOCK.test(text)) fault(`${path}: asserts how long something took`);
  CLOCK.lastIndex = 0;
}
console.log(`tests: ${files.trim().split('\n').length} files, ${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
