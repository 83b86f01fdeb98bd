import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNativeScoringEngine, nativeCapabilities } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { loadAddon, type NativeAddon } from '../src/native/addon.js';
import { type Blake2bBackend, nativeBlake2b, portableBlake2b } from '../src/native/blake2b.js';
import { type HashingCipher, nativeHashingCipher, portableHashingCipher } from '../src/native/hashing-cipher.js';
import type { IsaLevel } from '../src/native/isa-level.js';
import { createWeightsCipher } from '../src/native/weights-cipher.js';
import { MODEL_CONFIGS, type ModelConfig } from '../src/weights/model-config.js';
import { openPartialFile } from '../src/weights/open-partial-file.js';
import { parseSafetensorsHeader, SAFETENSORS_PREFIX_BYTES } from '../src/weights/safetensors-header.js';
import { safetensorsHeader } from '../src/weights/safetensors-write.js';
import { v1Tensors } from '../src/weights/v1-layout.js';
import type { WeightsPacking } from '../src/weights/weights-packing.js';
import { breathe } from './breathe.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Pieces as large as the network hands on. */
const PIECE_BYTES = 64 * 1024;
/** Timed at a time. */
const WINDOW_BYTES = 16 * 2 ** 20;
const TOTAL_BYTES = 2 ** 30;
/** Blocks the core writes: of the file itself, and the largest matrix of a V1 layer in bf16. */
const FILE_BLOCK = 4 * 2 ** 20;
const MATRIX_BLOCK = 2 * 2048 * 8192;
const KEY = new Uint8Array(32).fill(7);

/** Bytes per second of the fastest {@link WINDOW_BYTES} among `total`: other work on the machine disturbs it least. */
function rate(total: number, body: (piece: Uint8Array) => void, source: Uint8Array): number {
  let best = 0;
  for (let window = 0; window < total; window += WINDOW_BYTES) {
    const begin = performance.now();
    for (let at = window; at < window + WINDOW_BYTES; at += PIECE_BYTES) {
      const from = at % source.length;
      body(source.subarray(from, from + PIECE_BYTES));
    }
    best = Math.max(best, WINDOW_BYTES / ((performance.now() - begin) / 1000));
  }
  return best;
}

/**
 * The work between the network and a loaded model: BLAKE2b-256 over the ciphertext, AES-256-CTR, f32 to bf16 in the
 * order products read, and the disk. Values are bytes of the weights file per second.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when a result is not that of the plain implementations
 */
export async function* run(options: BenchOptions = {}): AsyncIterable<BenchResult> {
  const core = loadAddon();
  const capabilities = nativeCapabilities();
  if (!capabilities.available) throw new QuarryError('ENGINE_UNAVAILABLE', capabilities.reason);
  const total = options.quick ? TOTAL_BYTES / 16 : TOTAL_BYTES;
  const source = floats(64 * 2 ** 20);
  const portable = portableBlake2b();
  const shared = { bench: 'weights', unit: 'B/s', threads: 1, engine: 'native' };

  const portableRate = rate(Math.min(total, 2 * WINDOW_BYTES), hashing(portable), source);
  for (const isa of capabilities.usable) {
    await breathe(options.signal);
    const backend = nativeBlake2b(isa);
    const sample = source.subarray(0, PIECE_BYTES + 77);
    expectSame(backend.hash(sample), portable.hash(sample), `BLAKE2b ${backend.name}`);
    const value = rate(total, hashing(backend), source);
    const peer = { peer: '@noble/hashes', peerRatio: value / portableRate };
    yield benchResult({ ...shared, case: 'verify (BLAKE2b-256)', isa, value, error: 0, ...peer });
  }
  const decrypt = createWeightsCipher(KEY);
  const aes = rate(total, (piece) => void decrypt(piece), source);
  yield benchResult({ ...shared, case: 'decrypt (AES-256-CTR)', engine: 'node:crypto', value: aes });

  const inTwoSteps = portableHashingCipher(KEY);
  const twoSteps = rate(total, (piece) => void inTwoSteps.decrypt(piece), source);
  yield benchResult({ ...shared, case: 'verify + decrypt', engine: 'native, then node:crypto', value: twoSteps });
  for (const isa of capabilities.usable) {
    await breathe(options.signal);
    const cipher = nativeHashingCipher(KEY, isa);
    if (cipher === undefined) continue;
    checkCipher(nativeHashingCipher(KEY, isa)!, source);
    const to = new Uint8Array(PIECE_BYTES);
    const value = rate(total, (piece) => void cipher.decrypt(piece, to), source);
    const peer = { peer: 'in two steps', peerRatio: value / twoSteps };
    yield benchResult({ ...shared, case: 'verify + decrypt', isa, value, error: 0, ...peer });
  }
  for (const threads of options.threads ?? [1, core.capabilities().cpus]) {
    yield await wholePass(core, threads, options);
  }
}

/** Bytes of f32 values between 1 and 2. */
function floats(bytes: number): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  for (let i = 0, x = 1; i < words.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    words[i] = 0x3f800000 | (x >>> 9);
  }
  return new Uint8Array(words.buffer);
}

function hashing(backend: Blake2bBackend): (piece: Uint8Array) => void {
  const hasher = backend.create();
  return (piece) => hasher.update(piece);
}

function checkCipher(cipher: HashingCipher, source: Uint8Array): void {
  const sample = source.subarray(0, PIECE_BYTES + 77);
  expectSame(cipher.decrypt(sample), createWeightsCipher(KEY)(sample), `decryption, ${cipher.name}`);
  expectSame(cipher.digest(), portableBlake2b().hash(sample), `checksum while decrypting, ${cipher.name}`);
}

function expectSame(got: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(got, expected) !== 0) throw new QuarryError('ENGINE_FAILED', `${what} is not as it should be`);
}

interface EncryptedModel {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  /** BLAKE2b-256 of `bytes`, hex. */
  readonly checksum: string;
  /** SHA-256 of the plaintext, hex. */
  readonly plainDigest: string;
}

/** A V1 model of some layers (1.6 GB with eight of full size), encrypted, in memory. */
function encryptedModel(config: ModelConfig): EncryptedModel {
  const tensors = v1Tensors(config);
  const header = safetensorsHeader(tensors);
  const sizeBytes =
    header.byteLength + tensors.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  const plain = new Uint8Array(sizeBytes);
  plain.set(header);
  const values = floats(16 * 2 ** 20);
  for (let at = header.byteLength; at < sizeBytes; at += values.length)
    plain.set(values.subarray(0, sizeBytes - at), at);
  const plainDigest = sha256(plain);
  const cipher = portableHashingCipher(KEY);
  const bytes = cipher.encrypt(plain);
  return { bytes, sizeBytes, plainDigest, checksum: Buffer.from(cipher.digest()).toString('hex') };
}

/**
 * The pass a download takes from memory to the disk, `streams` of them at once: checksum, decryption, packing to bf16,
 * the file and its packed form stored past the page cache. The limit is the disk storing as many bytes in the same
 * blocks, alternating with it.
 */
async function wholePass(core: NativeAddon, streams: number, options: BenchOptions): Promise<BenchResult> {
  const config: ModelConfig = { ...MODEL_CONFIGS[options.quick ? 'medium' : 'v1'], numLayers: options.quick ? 2 : 8 };
  const model = encryptedModel(config);
  const dir = await mkdtemp(join(tmpdir(), 'quarry-bench-'));
  let packedBytes = 0;
  try {
    /** One pass over each of `streams` files; processor seconds beside the clock's. */
    const pass = async (): Promise<{ wall: number; cpu: number }> => {
      const cpu = process.cpuUsage();
      const begin = performance.now();
      await Promise.all(Array.from({ length: streams }, (_, i) => receive(model, config, join(dir, String(i)))));
      const { user, system } = process.cpuUsage(cpu);
      return { wall: (performance.now() - begin) / 1000, cpu: (user + system) / 1e6 };
    };
    const store = async (): Promise<number> => {
      const probes = Array.from({ length: streams }, (_, i) => [
        core.probeWrite(join(dir, `probe-${i}`), model.sizeBytes, FILE_BLOCK).promise,
        core.probeWrite(join(dir, `probe-packed-${i}`), packedBytes, MATRIX_BLOCK).promise,
      ]);
      return Math.max(...(await Promise.all(probes.flat())));
    };
    // The first pass is checked and not timed.
    await pass();
    packedBytes = await checkPass(core, model, config, join(dir, '0'));
    let [wall, cpu, disk] = [Infinity, Infinity, Infinity];
    for (let round = 0; round < (options.quick ? 1 : 6); round++) {
      await breathe(options.signal);
      for (let i = 0; i < streams; i++) await rm(join(dir, String(i)), { recursive: true });
      const took = await pass();
      wall = Math.min(wall, took.wall);
      cpu = Math.min(cpu, took.cpu);
      disk = Math.min(disk, await store());
    }
    const bytes = streams * model.sizeBytes;
    const written = ((1 + packedBytes / model.sizeBytes) * bytes) / 1e9;
    return benchResult({
      bench: 'weights',
      case: `verify + decrypt + pack + store${streams > 1 ? `, ${streams} files at once` : ''}`,
      engine: 'native',
      isa: core.capabilities().best,
      precision: 'bf16',
      threads: streams,
      unit: 'B/s',
      value: bytes / wall,
      limit: bytes / disk,
      ratio: disk / wall,
      error: 0,
      note: `${(bytes / cpu / 1e9).toFixed(2)} GB per second of processor time; the limit is the disk storing the same ${written.toFixed(2)} GB`,
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** What a download does with the bytes as they come. */
async function receive(model: EncryptedModel, config: ModelConfig, dir: string): Promise<void> {
  await mkdir(dir);
  const file = await openPartialFile({
    path: join(dir, 'weights'),
    sizeBytes: model.sizeBytes,
    decryptionKey: KEY,
    packing: packingInto(dir, config),
    identity: model.checksum,
  });
  try {
    for (let at = 0; at < model.sizeBytes; at += PIECE_BYTES)
      await file.write(model.bytes.subarray(at, at + PIECE_BYTES));
    const got = await file.checksum();
    if (got !== model.checksum) throw new QuarryError('ENGINE_FAILED', 'the checksum of a pass is wrong');
    await file.sync();
  } finally {
    await file.close();
  }
}

function packingInto(cacheDir: string, config: ModelConfig, isa?: IsaLevel): WeightsPacking {
  const engineOptions = { cacheDir, precision: 'bf16', threads: 1, isa } as const;
  const packing = createNativeScoringEngine(engineOptions).packing?.(config);
  if (packing === undefined) throw new QuarryError('ENGINE_FAILED', 'the native engine packs nothing');
  return packing;
}

/**
 * Compares a pass's file with the plaintext, and its packed form with what the plain level packs of that file.
 *
 * @returns bytes of the packed form
 */
async function checkPass(core: NativeAddon, model: EncryptedModel, config: ModelConfig, dir: string): Promise<number> {
  const path = join(dir, 'weights');
  if (sha256(await readFile(path)) !== model.plainDigest) {
    throw new QuarryError('ENGINE_FAILED', 'the file of a pass is not the plaintext');
  }
  const cacheDir = join(dir, 'serial');
  const header = safetensorsHeader(v1Tensors(config)).subarray(SAFETENSORS_PREFIX_BYTES);
  const tensors = parseSafetensorsHeader(header, model.sizeBytes);
  const spec = await packingInto(cacheDir, config, 'serial').prepare(tensors, model.checksum);
  const serial = core.createModel({ ...spec, isa: 'serial', threads: 1, path });
  await core.prepareModel(serial, 'bf16').promise;
  core.closeModel(serial);
  const [name = ''] = (await readdir(cacheDir)).filter((file) => file.endsWith('.packed'));
  const packed = await readFile(join(dir, name));
  expectSame(packed, await readFile(join(cacheDir, name)), 'the packed form of a pass');
  return packed.byteLength;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
