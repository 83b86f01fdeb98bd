import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNativeCore } from '../src/engine/native/core.js';
import { nativeCapabilities } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { type Blake2bBackend, nativeBlake2b, portableBlake2b } from '../src/weights/blake2b.js';
import { createWeightsCipher } from '../src/weights/decrypt.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Pieces as large as the download hands on. */
const PIECE_BYTES = 256 * 1024;
/** Enough to leave the caches behind. */
const TOTAL_BYTES = 512 * 2 ** 20;

/** Bytes per second of the best of `passes` runs of `body` over `total` bytes in pieces. */
async function rate(
  total: number,
  passes: number,
  body: (piece: Uint8Array) => void | Promise<void>,
  source: Uint8Array,
): Promise<number> {
  let best = 0;
  for (let pass = 0; pass < passes; pass++) {
    const begin = performance.now();
    for (let at = 0; at < total; at += PIECE_BYTES) {
      const from = at % source.length;
      const done = body(source.subarray(from, from + PIECE_BYTES));
      if (done !== undefined) await done;
    }
    best = Math.max(best, total / ((performance.now() - begin) / 1000));
  }
  return best;
}

/**
 * What stands between the network and a loaded model: BLAKE2b-256 over the ciphertext, AES-256-CTR, f32 to bf16, and
 * the disk. Everything on one core; values are bytes of the file per second.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when the two hash implementations disagree
 */
export async function* run(options: BenchOptions = {}): AsyncIterable<BenchResult> {
  const core = loadNativeCore();
  const capabilities = nativeCapabilities();
  if (!capabilities.available) throw new QuarryError('ENGINE_UNAVAILABLE', capabilities.reason);
  const total = options.quick ? TOTAL_BYTES / 16 : TOTAL_BYTES;
  const passes = options.quick ? 1 : 3;
  const source = new Uint8Array(64 * 2 ** 20);
  const words = new Uint32Array(source.buffer);
  for (let i = 0, x = 1; i < words.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    words[i] = x;
  }
  const portable = portableBlake2b();
  const piece = source.subarray(0, PIECE_BYTES + 77);
  const shared = { bench: 'weights', unit: 'B/s', threads: 1 };
  const check = (backend: Blake2bBackend): number => {
    const same = Buffer.compare(backend.hash(piece), portable.hash(piece)) === 0;
    if (!same) throw new QuarryError('ENGINE_FAILED', `BLAKE2b ${backend.name} disagrees with the portable one`);
    return 0;
  };

  const portableRate = await rate(Math.min(total, 32 * 2 ** 20), 1, hashing(portable), source);
  for (const isa of capabilities.usable) {
    options.signal?.throwIfAborted();
    const backend = nativeBlake2b(isa);
    const error = check(backend);
    const value = await rate(total, passes, hashing(backend), source);
    const peer = { peer: '@noble/hashes', peerRatio: value / portableRate };
    yield benchResult({ ...shared, case: 'verify (BLAKE2b-256)', engine: 'native', isa, value, error, ...peer });
  }

  const best = nativeBlake2b();
  const isa = capabilities.best;
  const key = new Uint8Array(32).fill(7);
  const aes = await rate(total, passes, decrypting(key), source);
  yield benchResult({ ...shared, case: 'decrypt (AES-256-CTR)', engine: 'node:crypto', value: aes });

  const both = (): ((piece: Uint8Array) => Uint8Array) => {
    const hash = best.create();
    const decrypt = createWeightsCipher(key);
    return (bytes) => {
      hash.update(bytes);
      return decrypt(bytes);
    };
  };
  let step = both();
  const verified = await rate(total, passes, (bytes) => void step(bytes), source);
  yield benchResult({ ...shared, case: 'verify + decrypt', engine: 'native', isa, value: verified });

  const packed = new Uint16Array(PIECE_BYTES / 4);
  const packing = await rate(
    total,
    passes,
    (bytes) => {
      const plain = step(bytes);
      core.toBf16(isa, new Float32Array(plain.buffer, plain.byteOffset, plain.byteLength / 4), packed);
    },
    source,
  );
  yield benchResult({ ...shared, case: 'verify + decrypt + pack to bf16', engine: 'native', isa, value: packing });

  const dir = await mkdtemp(join(tmpdir(), 'quarry-bench-'));
  try {
    const file = await open(join(dir, 'weights'), 'w');
    try {
      /** Writes everything once, flushed to the disk; returns bytes per second. */
      const writeAll = async (transform: (piece: Uint8Array) => Uint8Array): Promise<number> => {
        await file.truncate(0);
        const begin = performance.now();
        for (let at = 0; at < total; at += PIECE_BYTES) {
          const from = at % source.length;
          await file.write(transform(source.subarray(from, from + PIECE_BYTES)), 0, PIECE_BYTES, at);
        }
        await file.datasync();
        return total / ((performance.now() - begin) / 1000);
      };
      const disk = await writeAll((bytes) => bytes);
      step = both();
      const value = await writeAll(step);
      const limit = Math.max(disk, await writeAll((bytes) => bytes));
      const note = 'the limit is writing the same bytes without computing anything';
      yield benchResult({
        ...shared,
        case: 'verify + decrypt + write',
        engine: 'native',
        isa,
        value,
        limit,
        ratio: value / limit,
        note,
      });
    } finally {
      await file.close();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function hashing(backend: Blake2bBackend): (piece: Uint8Array) => void {
  const hasher = backend.create();
  return (piece) => hasher.update(piece);
}

function decrypting(key: Uint8Array): (piece: Uint8Array) => void {
  const decrypt = createWeightsCipher(key);
  return (piece) => void decrypt(piece);
}
