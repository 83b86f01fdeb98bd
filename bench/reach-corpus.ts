import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { blake2b256 } from '../src/native/blake2b.js';
import { HttpClient, PUBLIC_ONLY } from '../src/net/index.js';
import { packageRoot } from '../src/package/package-root.js';
import { resolveSources, sampleStream, syntheticChunk } from '../src/sources/index.js';
import { SpreadOrder } from '../src/sources/spread-order.js';

export type CorpusName = 'corpus' | 'synthetic' | 'both';

/** Whole chunks: of this package's own files, then as many of the synthetic source. */
export interface ReachChunks {
  readonly chunks: readonly Uint8Array[];
  /** The first `rows` of a corpus, as indices of `chunks`; of both in turn. Fewer where the files have no more. */
  pick(name: CorpusName, rows: number): number[];
}

/** The first `count` of some chunks, each as unlike as can be to those before: the order in which a miner scores. */
export function spreadFirst(chunks: readonly Uint8Array[], rows: readonly number[], count: number): number[] {
  const order = new SpreadOrder<number>();
  for (const row of rows) order.add(row, chunks[row]!);
  return Array.from({ length: Math.min(count, rows.length) }, () => order.take()!);
}

/** At most `most` chunks of each corpus. */
export async function reachChunks(most: number, signal: AbortSignal | undefined): Promise<ReachChunks> {
  const files = await fileChunks(most, signal);
  const chunks = [...files, ...Array.from({ length: most }, (_, index) => syntheticChunk(index, 0).bytes)];
  const pick = (name: CorpusName, rows: number): number[] => {
    if (name === 'corpus') return Array.from({ length: Math.min(rows, files.length) }, (_, i) => i);
    if (name === 'synthetic') return Array.from({ length: rows }, (_, i) => files.length + i);
    return Array.from({ length: rows }, (_, i) =>
      i % 2 === 0 && i / 2 < files.length ? i / 2 : files.length + (i >> 1),
    );
  };
  return { chunks, pick };
}

/** Ordered by checksum: a file that changes leaves the others' chunks where they are. */
async function fileChunks(most: number, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
  const http = new HttpClient({ addressPolicy: PUBLIC_ONLY });
  try {
    const cwd = packageRoot();
    const folders = ['bench', 'docs', 'native', 'proto', 'src', 'test'].filter((name) => existsSync(join(cwd, name)));
    const units = await resolveSources(folders, { cwd, textOnly: true }, { http });
    const chunks = new Map<string, Uint8Array>();
    for await (const { bytes } of sampleStream(units, { signal })) {
      if (bytes.length === 1024) chunks.set(Buffer.from(blake2b256(bytes)).toString('hex'), bytes);
    }
    return [...chunks]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, most)
      .map(([, bytes]) => bytes);
  } finally {
    await http.close();
  }
}
