import { expect, test } from 'vitest';
import { HttpClient, PUBLIC_ONLY } from '../../src/net/index.js';
import { parseSynthetic, resolveSources, type Sample, sampleStream, syntheticChunk } from '../../src/sources/index.js';

async function samplesOf(spec: string, skipUnits = 0): Promise<Sample[]> {
  const http = new HttpClient({ addressPolicy: PUBLIC_ONLY });
  try {
    const units = await resolveSources([spec], { cwd: '.' }, { http });
    const samples: Sample[] = [];
    for await (const sample of sampleStream(units, { skipUnits })) samples.push(sample);
    return samples;
  } finally {
    await http.close();
  }
}

test('every byte repeated comes first, far from each other, then structured chunks', async () => {
  const samples = await samplesOf('synthetic:300');
  expect(samples).toHaveLength(300);
  expect(samples.every(({ bytes }) => bytes.length === 1024)).toBe(true);
  const single = samples.slice(0, 256);
  expect(single.every(({ bytes }) => bytes.every((byte) => byte === bytes[0]))).toBe(true);
  expect(new Set(single.map(({ bytes }) => bytes[0])).size).toBe(256);
  expect(single.slice(0, 3).map(({ bytes }) => bytes[0])).toEqual([0, 37, 74]);
  expect(samples[1]?.origin).toBe('synthetic 1, one byte');
  const rest = samples.slice(256);
  expect(new Set(rest.map(({ origin }) => origin.split(', ')[1]))).toEqual(
    new Set(['alternating', 'period', 'halves', 'speckled']),
  );
  expect(new Set(rest.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(44);
});

test('the same words give the same bytes, another seed others', async () => {
  const [a, b, c] = [
    await samplesOf('synthetic:280?seed=7'),
    await samplesOf('synthetic:280?seed=7'),
    await samplesOf('synthetic:280'),
  ];
  expect(b).toEqual(a);
  expect(c?.slice(256).map(({ bytes }) => bytes)).not.toEqual(a?.slice(256).map(({ bytes }) => bytes));
  expect(Buffer.from(syntheticChunk(270, 7).bytes)).toEqual(Buffer.from(a[270]!.bytes));
});

test('a later run resumes where an earlier one ended', async () => {
  const all = await samplesOf('synthetic:100');
  const rest = await samplesOf('synthetic:100', 2);
  expect(rest).toEqual(all.slice(64));
  expect(all.at(-1)?.unit).toBe(3);
});

test('unknown words are refused', () => {
  expect(parseSynthetic('synthetic')).toEqual({ count: 512, seed: 0 });
  expect(parseSynthetic('synthetic-notes/')).toBeUndefined();
  for (const bad of ['synthetic:0', 'synthetic:x', 'synthetic:5?seed=-1', 'synthetic:5?sed=1', 'synthetic:1e9']) {
    expect(() => parseSynthetic(bad)).toThrowError(/not a synthetic source/);
  }
});
