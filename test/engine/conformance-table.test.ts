import { expect, test } from 'vitest';
import { ConformanceTable } from './conformance-table.js';
import { judgeScore } from './judge-score.js';

const want = { loss: 5, embedding: Float32Array.of(1, 2, 3) };
const none = { loss: 0, distance: 0 };
const f32 = { precision: 'f32', errorBound: none } as const;

test('a wrong score fails its cell', () => {
  const right = { ...want, precision: 'f32' } as const;
  expect(judgeScore(right, want, f32)).toEqual({ kind: 'error', error: 0, failed: false });
  const wrong = [
    { ...right, loss: 5.001 },
    { ...right, loss: Number.NaN },
    { ...right, embedding: Float32Array.of(1, 2.001, 3) },
    { ...right, embedding: Float32Array.of(1, Number.NaN, 3) },
    { ...right, embedding: Float32Array.of(1, 2) },
  ];
  for (const score of wrong) expect(judgeScore(score, want, f32)).toMatchObject({ failed: true });
  const hidden = { loss: Number.NaN, embedding: Float32Array.of(1, Number.NaN, 3) };
  expect(judgeScore({ ...hidden, precision: 'f32' }, hidden, f32)).toMatchObject({ error: 0, failed: false });
  expect(judgeScore(right, hidden, f32)).toMatchObject({ failed: true });
});

test('a narrow format is held to its own bound, and to that of f32 where it was scored again', () => {
  const narrow = { ...want, loss: 5.01, precision: 'bf16' } as const;
  const rules = { precision: 'bf16', errorBound: { loss: 0.02, distance: 1e-4 } } as const;
  expect(judgeScore(narrow, want, rules)).toMatchObject({ kind: 'error', failed: false });
  expect(judgeScore({ ...narrow, loss: 5.03 }, want, rules)).toMatchObject({ failed: true });
  expect(judgeScore({ ...narrow, embedding: Float32Array.of(1, 2.01, 3) }, want, rules)).toMatchObject({
    failed: true,
  });
  expect(judgeScore({ ...narrow, precision: 'f32' }, want, rules)).toMatchObject({ failed: true });
  expect(judgeScore({ ...want, precision: 'f32' }, want, rules)).toMatchObject({ note: 'scored in f32 instead' });
});

test('the table shows errors, failures, skips with their reasons, and what never ran', () => {
  const table = new ConformanceTable('Engines', ['a', 'bb', 'c'], [['one', 'two'], ['three']]);
  table.record('a', 'one', { kind: 'error', error: 2.4e-7 });
  table.record('a', 'two', { kind: 'ok', note: 'scored in f32 instead' });
  table.record('bb', 'one', { kind: 'error', error: 0.03, failed: true });
  table.record('bb', 'two', { kind: 'skipped', reason: 'too slow' });
  table.skipRow('c', 'no such processor');
  expect(() => table.record('a', 'four', { kind: 'ok' })).toThrow('no cell');
  expect(`${table}`.split('\n')).toEqual([
    'Engines',
    '',
    '          one       two',
    'a        2e-7    ok [1]',
    'bb  FAIL 3e-2  skip [2]',
    'c   skipped: no such processor',
    '',
    '      three',
    'a   not run',
    'bb  not run',
    'c   skipped: no such processor',
    '',
    '[1] scored in f32 instead',
    '[2] too slow',
  ]);
});
