import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EmbeddingRows, TargetMatrix } from '../../src/engine/contract.js';
import { rowAsF32 } from '../../src/engine/embedding-rows.js';
import { cosineDistance } from '../../src/engine/reference/index.js';
import type { PeerOutcome } from '../comparisons.js';
import { rowBlock } from '../scan-data.js';
import type { PeerTime } from './peer-process.js';
import { pythonPeer } from './python.js';

/** Rows whose distances a peer must get right. */
const CHECKED_ROWS = 64;

/** What computes with rows of a format. usearch rounds targets to bf16 as well; numpy has no bf16. */
const LIBRARIES = {
  bf16: { library: 'usearch', name: 'usearch exact bf16', tolerance: 1e-3 },
  f32: { library: 'numpy', name: 'numpy f32', tolerance: 1e-5 },
} as const;

/**
 * Scans the rows of `makeRows` in Python: usearch finds the nearest row of each target by exact search, numpy all rows
 * inside the threshold by a product of matrices, with the rows' lengths computed beforehand.
 */
export async function pythonScan(
  rows: EmbeddingRows,
  targets: TargetMatrix,
  run: {
    readonly threads: number;
    readonly repeats: number;
    readonly python: string | undefined;
    readonly signal: AbortSignal | undefined;
  },
): Promise<PeerOutcome> {
  const precision = rows.data instanceof Float32Array ? 'f32' : 'bf16';
  const { library, name, tolerance } = LIBRARIES[precision];
  const directory = await mkdtemp(path.join(tmpdir(), 'quarry-bench-'));
  try {
    const [block, targetFile] = [path.join(directory, 'block'), path.join(directory, 'targets')];
    await writeFile(block, rowBlock(precision));
    await writeFile(targetFile, targets.data);
    const outcome = await pythonPeer<PeerTime>(
      run.python,
      {
        do: 'distance',
        library,
        precision,
        threads: run.threads,
        repeats: run.repeats,
        tolerance,
        rows: rows.rows,
        dim: rows.dim,
        threshold: targets.thresholds[0]!,
        block,
        targets: targetFile,
        want: distances(rows, targets),
      },
      run.signal,
    );
    return { name, ...outcome };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Distances of the first rows by definition, `[targets][rows]`. */
function distances(rows: EmbeddingRows, { data, targets, dim }: TargetMatrix): number[][] {
  const scratch = new Float32Array(dim);
  return Array.from({ length: targets }, (_, t) =>
    Array.from({ length: CHECKED_ROWS }, (_, row) =>
      cosineDistance(rowAsF32(rows, row, scratch), data.subarray(t * dim, (t + 1) * dim)),
    ),
  );
}
