import type { ScoringEngine } from '../src/engine/contract.js';
import { cosineDistance } from '../src/engine/reference/index.js';
import { composedScore, joinParts, type PartScore } from '../src/store/index.js';
import type { ModelConfig } from '../src/weights/model-config.js';
import { breathe } from './breathe.js';
import { loadModels, type ReachModel } from './reach-models.js';
import { randomTargets } from './reach-share.js';

/** How far composed samples lie from their joined bytes. */
export interface JoinedResult {
  readonly [key: string]: unknown;
  readonly bench: 'joined';
  readonly case: string;
  readonly compositions: number;
  /** More are still to come: told again with them. */
  readonly partial: boolean;
  /** Chunks of a composition, on average. */
  readonly parts: number;
  /** Largest differences of the parts' means in f32 from the joined bytes in f32. */
  readonly worstLoss: number;
  readonly worstDistance: number;
  /** Compositions whose lowest loss is not the same model's, of those that are no near-ties. */
  readonly winnersDiffer: number;
  readonly nearTies: number;
  /** The same of rows in bf16, as multiples of the bounds stated for them; null where not measured. */
  readonly lowLossOfBound: number | null;
  readonly lowDistanceOfBound: number | null;
  readonly lowWinnersDiffer: number | null;
  readonly lowNearTies: number | null;
}

/** What is compared. */
export interface JoinedCase {
  readonly name: string;
  readonly models: readonly ReachModel[];
  readonly shape: ModelConfig;
  readonly chunks: readonly Uint8Array[];
  readonly compositions: number;
  /** Scores the parts in f32, and the joined bytes. */
  readonly parts: ScoringEngine;
  readonly joined: ScoringEngine;
  /** Scores the parts in low precision too. */
  readonly low?: ScoringEngine | undefined;
  /** No more compositions after this time. */
  readonly limitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Progress is printed after this many compositions. */
const TOLD_EVERY = 50;
/** Mean losses in f32 closer than this are a near-tie. */
const NEAR_TIE = 2e-4;
/** Parts of compositions, in turn: most have few. */
const PARTS = [2, 3, 2, 4, 2, 2, 3, 2, 2, 8, 2, 3, 2, 4, 2, 2, 3, 2, 2, 16];

/** Compares composition after composition, and tells every fifty how it stands. */
export async function* compareJoined(of: JoinedCase): AsyncIterable<JoinedResult> {
  const { chunks, shape, signal } = of;
  const exact = await scoresOf(of.parts, of);
  const low = of.low === undefined ? undefined : await scoresOf(of.low, of);
  const joined = await loadModels(of.joined, of);
  const targets = randomTargets(16, shape.embeddingDim);
  const tally = new Tally();
  const started = performance.now();
  for (let n = 0; n < of.compositions; n++) {
    await breathe(signal);
    const slots = Array.from({ length: PARTS[n % PARTS.length]! }, (_, i) => (n * 7919 + i * 104_729) % chunks.length);
    const { bytes } = joinParts(
      slots.map((slot) => chunks[slot]!),
      shape,
    );
    const whole: PartScore[] = [];
    for (const model of joined) whole.push((await model.score([bytes], { signal }))[0]!);
    const target = targets[n % targets.length]!;
    tally.count(slots.length);
    tally.add('f32', composedOf(exact, slots), whole, target);
    if (low !== undefined) tally.add('low', composedOf(low, slots), whole, target, low.bound);
    const late = performance.now() - started > (of.limitMs ?? Number.POSITIVE_INFINITY);
    const done = late || n + 1 === of.compositions;
    if (done || (n + 1) % TOLD_EVERY === 0) yield tally.result(of.name, !done, low !== undefined);
    if (late) break;
  }
  for (const model of joined) await model.close();
}

interface Rows {
  /** A list for each model. */
  readonly scores: readonly (readonly PartScore[])[];
  readonly bound: { readonly loss: number; readonly distance: number };
}

async function scoresOf(engine: ScoringEngine, of: JoinedCase): Promise<Rows> {
  const scores: (readonly PartScore[])[] = [];
  const bound = { loss: 0, distance: 0 };
  for (const model of await loadModels(engine, of)) {
    scores.push(await model.score(of.chunks, { signal: of.signal }));
    bound.loss = Math.max(bound.loss, model.errorBound.loss);
    bound.distance = Math.max(bound.distance, model.errorBound.distance);
    await model.close();
  }
  return { scores, bound };
}

function composedOf({ scores }: Rows, slots: readonly number[]): PartScore[] {
  return scores.map((rows) => composedScore(slots.map((slot) => rows[slot]!)));
}

/** The largest differences found. */
class Tally {
  #compositions = 0;
  #parts = 0;
  readonly #worst = { f32: { loss: 0, distance: 0 }, low: { loss: 0, distance: 0 } };
  readonly #differ = { f32: 0, low: 0 };
  readonly #ties = { f32: 0, low: 0 };

  count(parts: number): void {
    this.#compositions++;
    this.#parts += parts;
  }

  /** @param bound unit in which differences are reported */
  add(
    kind: 'f32' | 'low',
    composed: readonly PartScore[],
    whole: readonly PartScore[],
    target: Float32Array,
    bound?: Rows['bound'],
  ): void {
    const worst = this.#worst[kind];
    for (const [m, { loss, embedding }] of composed.entries()) {
      const other = whole[m]!;
      const apart = Math.abs(cosineDistance(embedding, target) - cosineDistance(other.embedding, target));
      worst.loss = Math.max(worst.loss, Math.abs(loss - other.loss) / (bound?.loss ?? 1));
      worst.distance = Math.max(worst.distance, apart / (bound?.distance ?? 1));
    }
    const order = [...composed.keys()].sort((a, b) => composed[a]!.loss - composed[b]!.loss);
    const [first = 0, second = 0] = order;
    const lead = composed[second]!.loss - composed[first]!.loss;
    if (lead <= (bound === undefined ? NEAR_TIE : 2 * bound.loss)) this.#ties[kind]++;
    else if (whole.some(({ loss }) => loss < whole[first]!.loss)) this.#differ[kind]++;
  }

  result(name: string, partial: boolean, hasLow: boolean): JoinedResult {
    const low = <T>(value: T): T | null => (hasLow ? value : null);
    return {
      bench: 'joined',
      case: name,
      compositions: this.#compositions,
      partial,
      parts: this.#parts / this.#compositions,
      worstLoss: this.#worst.f32.loss,
      worstDistance: this.#worst.f32.distance,
      winnersDiffer: this.#differ.f32,
      nearTies: this.#ties.f32,
      lowLossOfBound: low(this.#worst.low.loss),
      lowDistanceOfBound: low(this.#worst.low.distance),
      lowWinnersDiffer: low(this.#differ.low),
      lowNearTies: low(this.#ties.low),
    };
  }
}
