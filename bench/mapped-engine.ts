import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DistanceEngine, EmbeddingRows } from '../src/engine/contract.js';
import { rowAsF32 } from '../src/engine/embedding-rows.js';
import type { NativeDistanceEngine } from '../src/engine/native/index.js';

/** Bytes of one write. Huge, so that the file lies in memory as it does once a store was read from disk. */
const WRITE_BYTES = 16 * 2 ** 20;
/** Rows that can be decided exactly; the f32 file is empty beyond, because the scan itself reads bf16 only. */
const EXACT_ROWS = 500;

/**
 * The engine with `rows` in files, mapped as the miner's store maps them: a scan of n rows scans the
 * file's first n. `close` deletes the files.
 */
export async function mappedEngine(engine: NativeDistanceEngine, rows: EmbeddingRows): Promise<DistanceEngine> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-distance-'));
  const source = { f32Path: join(dir, 'rows.f32'), bf16Path: join(dir, 'rows.bf16'), rows: rows.rows };
  const { dim } = rows;
  const bf16 = await open(source.bf16Path, 'w');
  const bytes = new Uint8Array(rows.data.buffer, rows.data.byteOffset, rows.data.byteLength);
  for (let at = 0; at < bytes.length; at += WRITE_BYTES) await bf16.write(bytes.subarray(at, at + WRITE_BYTES));
  await bf16.close();
  const f32 = await open(source.f32Path, 'w');
  const scratch = new Float32Array(dim);
  for (let row = 0; row < Math.min(EXACT_ROWS, rows.rows); row++) await f32.write(rowAsF32(rows, row, scratch));
  await f32.truncate(rows.rows * dim * 4);
  await f32.close();
  const tables = new Uint8Array(rows.rows);
  const numbers = Uint32Array.from(tables, (_, row) => row);
  return {
    name: engine.name,
    device: engine.device,
    scan: (part, targets, options) =>
      engine.scanMapped({ sources: [source], tables, rows: numbers, count: part.rows, dim }, targets, options),
    async close() {
      engine.release([source.f32Path, source.bf16Path]);
      await rm(dir, { recursive: true });
    },
  };
}
