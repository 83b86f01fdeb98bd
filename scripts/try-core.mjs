// Tries an installed core in place: scores and scans with every level the processor has, and compares with the engines
// in JavaScript. Copied into an installation and run there by its node, as `node try-core.mjs OUT.json`: under some
// emulators a program has no pipe to write to.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createNativeDistanceEngine,
  createNativeScoringEngine,
  createReferenceDistanceEngine,
  createReferenceEngine,
  generateWeights,
  MODEL_CONFIGS,
  nativeCapabilities,
  normalArray,
  openSafetensors,
} from 'quarry-miner/engine';

const CONFIG = { ...MODEL_CONFIGS.small, sequenceLength: 128 };
const samples = [1, 127, 300].map((length) => Uint8Array.from({ length }, (_, i) => (i * 31 + 7 * (i >> 3)) % 256));

/** Largest relative difference of losses, and of embeddings as vectors. */
function differenceOf(got, want) {
  const relative = ({ embedding }, i) => {
    const apart = embedding.reduce((sum, x, k) => sum + (x - want[i].embedding[k]) ** 2, 0);
    return Math.sqrt(apart / want[i].embedding.reduce((sum, x) => sum + x * x, 0));
  };
  return {
    loss: Math.max(...got.map(({ loss }, i) => Math.abs(loss / want[i].loss - 1))),
    embedding: Math.max(...got.map(relative)),
  };
}

async function score(engine, path) {
  const weights = await openSafetensors(path);
  const model = await engine.load(weights, CONFIG);
  try {
    return await model.score(samples, { seed: 5n });
  } finally {
    await model.close();
    await weights.close();
  }
}

/** Hits of 2,000 rows against 20 targets, as text: both engines must name the same pairs. */
async function hitsOf(engine) {
  const dim = 100;
  const rows = { data: normalArray(1n, 2000 * dim), rows: 2000, dim };
  const targets = { data: normalArray(2n, 20 * dim), thresholds: new Float32Array(20).fill(0.8), targets: 20, dim };
  const hits = await engine.scan(rows, targets, { mode: 'all' });
  await engine.close();
  return hits.map(({ row, target }) => `${row}/${target}`);
}

async function tryLevels(usable, dir) {
  const weights = join(dir, 'weights.safetensors');
  await generateWeights(CONFIG, 1n, weights);
  const want = await score(createReferenceEngine(), weights);
  const hits = await hitsOf(createReferenceDistanceEngine());
  const levels = {};
  for (const isa of usable) {
    const cacheDir = join(dir, `packed-${isa}`);
    const make = (options) => createNativeScoringEngine({ isa, threads: 2, ...options });
    const found = await hitsOf(createNativeDistanceEngine({ isa, threads: 2 }));
    levels[isa] = {
      f32: differenceOf(await score(make({ precision: 'f32', cacheDir }), weights), want),
      packedAgain: differenceOf(await score(make({ precision: 'f32', cacheDir }), weights), want),
      inMemory: differenceOf(await score(make({ precision: 'f32' }), weights), want),
      bf16: differenceOf(await score(make({ precision: 'bf16' }), weights), want),
      hits: found.length,
      sameHits: found.join() === hits.join(),
      files: readdirSync(cacheDir).filter((name) => !name.endsWith('.json')).length,
    };
  }
  return levels;
}

const { platform, arch, version } = process;
const capabilities = nativeCapabilities();
const dir = mkdtempSync(join(tmpdir(), 'quarry-try-'));
try {
  const levels = capabilities.available ? await tryLevels(capabilities.usable, dir) : undefined;
  writeFileSync(process.argv[2], JSON.stringify({ platform, arch, node: version, capabilities, levels }, null, 2));
} catch (error) {
  writeFileSync(process.argv[2], JSON.stringify({ platform, arch, node: version, capabilities, error: error.stack }));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
