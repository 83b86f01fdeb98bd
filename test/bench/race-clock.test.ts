import { expect, it } from 'vitest';
import { lastPerTarget } from '../../bench/race-clock.js';

it('counts a target once that was answered anew, with its last submission', () => {
  const refused = { targetId: 'a', digest: '1' };
  const other = { targetId: 'b', digest: '2' };
  const accepted = { targetId: 'a', digest: '3' };
  expect(lastPerTarget([refused, other, accepted])).toEqual([other, accepted]);
});
