import { describe, expect, it } from 'vitest';
import { UncheckedAnswers } from '../../src/fleet/unchecked-answers.js';

const IDENTITY = 'a'.repeat(64);
const sample = (i: number): Uint8Array => Uint8Array.of(i, i >> 8, i >> 16);

describe('answers that were not checked', () => {
  it('are remembered up to a bound in all, those of the scorer silent for longest forgotten first', () => {
    const answers = new UncheckedAnswers(100);
    answers.add('silent', IDENTITY, sample(0));
    answers.add('busy', IDENTITY, sample(1));
    for (let i = 0; i < 98; i++) answers.add(`stranger ${i}`, IDENTITY, sample(i));
    answers.add('busy', IDENTITY, sample(2));
    expect(answers.take('silent').size).toBe(0);
    expect(answers.take('busy').get(IDENTITY)).toHaveLength(2);
    expect(answers.take('stranger 0').get(IDENTITY)).toHaveLength(1);
  });

  it('are remembered up to a bound of each scorer, and forgotten after a good check', () => {
    const answers = new UncheckedAnswers();
    for (let i = 0; i < 20_001; i++) answers.add('one', IDENTITY, sample(i));
    expect(answers.take('one').get(IDENTITY)).toHaveLength(20_000);
    answers.add('one', IDENTITY, sample(0));
    answers.clear('one');
    expect(answers.take('one').size).toBe(0);
  });
});
