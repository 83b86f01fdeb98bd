import { describe, expect, test } from 'vitest';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { cosineDistance } from '../../src/engine/reference/index.js';
import { normalArray } from '../../src/random/arrgen.js';
import { isWonBy, type SearchPart, TargetSearch } from '../../src/search/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';

const CONFIG = { ...MODEL_CONFIGS.small, sequenceLength: 64 };
const DIM = CONFIG.embeddingDim;
const GOAL = { winner: 0, maxParts: 1, seed: 1n } as const;

/** A chunk with an embedding and a loss per model, as if it had been scored. */
function part(embedding: readonly number[], losses: readonly number[], lossBound = 0): SearchPart {
  return {
    bytes: new Uint8Array(4),
    scores: losses.map((loss) => ({ loss, embedding: Float32Array.from(embedding) })),
    lossBound,
  };
}

/** Proposes, so that there is something to take in answer. */
function proposed(search: TargetSearch<SearchPart>, candidates: readonly SearchPart[]): boolean {
  search.next();
  search.propose(new Float32Array(4 * 256), candidates.length);
  return search.take(candidates);
}

async function searched(seed: bigint, maxParts: number, steps: number) {
  const weights = [1n, 2n].map((each) => safetensorsFromBytes(generateWeightsBytes(CONFIG, each)));
  const models = await Promise.all(weights.map((each) => createNativeScoringEngine({ threads: 1 }).load(each, CONFIG)));
  const score = async (chunks: readonly Uint8Array[]): Promise<SearchPart[]> => {
    const scores = await Promise.all(models.map((model) => model.score(chunks)));
    return chunks.map((bytes, i) => ({ bytes, scores: scores.map((each) => each[i]!), lossBound: 1e-5 }));
  };
  const [first] = await score([new Uint8Array(CONFIG.sequenceLength).fill(65)]);
  const winner = isWonBy(0, [first!]) ? 0 : 1;
  const goal = { embedding: normalArray(77n, DIM), winner, maxParts, seed };
  const search = new TargetSearch(goal, [first!], [Uint8Array.from({ length: 64 }, (_, i) => i * 5)]);
  const cosines = [search.cosine];
  for (let step = 0; step < steps; step++) {
    search.take(await score(await search.proposals(models, 12)));
    cosines.push(search.cosine);
  }
  const joined = Uint8Array.from(search.parts.flatMap(({ bytes }) => [...bytes]));
  const whole = await Promise.all(models.map((model) => model.score([joined])));
  await Promise.all(models.map((model) => model.close()));
  return { search, cosines, goal, whole: whole.map(([score]) => score!) };
}

describe('a search', () => {
  test('comes closer step by step, and ends where its joined parts score', async () => {
    const { search, cosines, goal, whole } = await searched(3n, 4, 6);
    const { winner } = search;
    for (let i = 1; i < cosines.length; i++) expect(cosines[i]).toBeGreaterThanOrEqual(cosines[i - 1]!);
    expect(cosines.at(-1)! - cosines[0]!).toBeGreaterThan(0.2);
    expect(search.parts.length).toBeGreaterThan(1);
    expect(search.parts.length).toBeLessThanOrEqual(4);
    expect(cosineDistance(whole[winner]!.embedding, goal.embedding)).toBeCloseTo(1 - search.cosine, 4);
    expect(whole[winner]!.loss).toBeLessThan(whole[1 - winner]!.loss);
  });

  test('depends on its seed and on nothing else', async () => {
    const [one, again, other] = await Promise.all([searched(3n, 1, 3), searched(3n, 1, 3), searched(4n, 1, 3)]);
    const bytes = ({ search }: typeof one) => search.parts.map((each) => [...each.bytes]);
    expect(bytes(again)).toEqual(bytes(one));
    expect(bytes(other)).not.toEqual(bytes(one));
  });
});

describe('an accepted change', () => {
  const embedding = Float32Array.of(1, 0);
  const start = part([1, 1], [1, 2]);

  test('comes closer; nothing else is accepted', () => {
    const search = new TargetSearch({ ...GOAL, embedding }, [start]);
    expect(proposed(search, [part([0, 1], [1, 2]), part([1, 1], [1, 2])])).toBe(false);
    expect(search.parts).toEqual([start]);
    const closer = part([1, 0.5], [1, 2]);
    expect(proposed(search, [closer, part([1, 0.9], [1, 2])])).toBe(true);
    expect(search.parts).toEqual([closer]);
  });

  test('leaves the winner the winner, by more than the bounds', () => {
    const search = new TargetSearch({ ...GOAL, embedding }, [start]);
    expect(proposed(search, [part([1, 0], [2, 1])])).toBe(false);
    expect(proposed(search, [part([1, 0], [1, 1.01], 0.01)])).toBe(false);
    expect(proposed(search, [part([1, 0], [1, 1.03], 0.01)])).toBe(true);
  });

  test('may lose alone what the parts together win, and goes where it helps most', () => {
    const search = new TargetSearch({ ...GOAL, embedding, maxParts: 2 }, [start]);
    const strong = part([1, -1], [1.5, 1]);
    expect(proposed(search, [strong])).toBe(true);
    expect(search.parts).toEqual([start, strong]);
    expect(search.cosine).toBeCloseTo(1);
    const full = new TargetSearch({ ...GOAL, embedding, maxParts: 2 }, [start, part([-1, 1], [1, 2])]);
    expect(proposed(full, [part([1, -1], [1, 2])])).toBe(true);
    expect(full.parts).toHaveLength(2);
    expect(full.parts[0]).toBe(start);
  });

  test('is looked for at each chunk in turn, once where a chunk stands several times', () => {
    const other = part([1, -1], [1, 2]);
    const search = new TargetSearch({ ...GOAL, embedding, maxParts: 4 }, [start, start, other, start]);
    expect([1, 2, 3, 4].map(() => search.next().part)).toEqual([start, other, start, other]);
  });

  test('is the whole sample, when it is a blend that comes as close alone as all parts together', () => {
    const parts = [start, part([1, 0.5], [1, 2])];
    const donors = [new Uint8Array(4).fill(1), new Uint8Array(4).fill(2)];
    const goal = { ...GOAL, embedding, maxParts: 16 };
    const taken = (candidate: SearchPart): readonly SearchPart[] => {
      const search = new TargetSearch(goal, parts, donors);
      search.next();
      search.propose(new Float32Array(4 * 256), 3);
      search.take([candidate]);
      return search.parts;
    };
    const blend = part([1, 0.5], [1, 2]);
    expect(new Set(taken(blend))).toEqual(new Set([blend]));
    const lost = part([1, 0.5], [2, 1]);
    expect(taken(lost)).toContain(start);
    expect(new Set(taken(part([1, 0.9], [1, 2]))).size).toBe(2);
  });

  test('may be a relaxed chunk that another model wins', async () => {
    const gradients = {
      byteGradient: async () => new Float32Array(4 * 256),
      mixtureGradient: async (mixture: Float32Array) => ({ gradient: mixture, cosine: 0, crossEntropy: 0 }),
    };
    const search = new TargetSearch({ ...GOAL, embedding, maxParts: 4 }, [start]);
    while (!search.isRelaxing) {
      await search.proposals([gradients, gradients], 3);
      search.take([]);
    }
    expect(await search.proposals([gradients, gradients], 3)).toHaveLength(1);
    const relaxed = part([1, 0.1], [2, 1]);
    expect(search.take([relaxed])).toBe(true);
    expect(search.winner).toBe(1);
    expect(search.parts).toEqual([relaxed]);
    while (search.isRelaxing) {
      await search.proposals([gradients, gradients], 3);
      expect(search.take([undefined])).toBe(false);
    }
    expect(await search.proposals([gradients, gradients], 3)).toHaveLength(3);
  });

  test('has a score: what could not be scored is passed over', () => {
    const search = new TargetSearch({ ...GOAL, embedding }, [start]);
    search.next();
    search.propose(new Float32Array(4 * 256), 2);
    expect(search.take([undefined, part([1, 0], [1, 2])])).toBe(true);
  });
});
