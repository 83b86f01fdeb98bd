import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type ModelKey, modelKeyId } from './model-key.js';

/** What `model.json` says: whose scores a directory holds, and how wide their embeddings are. */
export type ModelFile = ModelKey & { readonly embeddingDim: number };

const ID = /^([A-Za-z0-9_][A-Za-z0-9._]{0,31})-([0-9a-f]{64})$/;
const MOST_DIM = 1_000_000;

/**
 * The model a directory of scores was made for, or undefined when its creation never finished. The directory's own name
 * says which: what the file says counts only where it agrees.
 */
export function readModelFile(dir: string): (ModelKey & { readonly embeddingDim: number | undefined }) | undefined {
  const [, architecture, checksum] = ID.exec(basename(dir)) ?? [];
  if (architecture === undefined || checksum === undefined || !isFinished(dir)) return undefined;
  return { architecture, checksum, embeddingDim: dimIn(dir, { architecture, checksum }) };
}

/** Writes `model.json` unless it already says this: a damaged one is rewritten. */
export function ensureModelFile(dir: string, model: ModelFile): void {
  if (existsSync(join(dir, 'model.json')) && dimIn(dir, model) === model.embeddingDim) return;
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'model.json.new'), `${JSON.stringify(model, null, 2)}\n`);
  renameSync(join(dir, 'model.json.new'), join(dir, 'model.json'));
}

/** Rows are written after the file: where there are some, it was lost later. */
function isFinished(dir: string): boolean {
  const rows = statSync(join(dir, 'meta.bin'), { throwIfNoEntry: false })?.size ?? 0;
  return rows > 0 || existsSync(join(dir, 'model.json'));
}

/** The width that the file names, when it is whole and of this model. */
function dimIn(dir: string, key: ModelKey): number | undefined {
  try {
    const told: unknown = JSON.parse(readFileSync(join(dir, 'model.json'), 'utf8'));
    const { architecture, checksum, embeddingDim } = told as Partial<Record<keyof ModelFile, unknown>>;
    if (modelKeyId({ architecture: String(architecture), checksum: String(checksum) }) !== modelKeyId(key))
      return undefined;
    return Number.isInteger(embeddingDim) && Number(embeddingDim) > 0 && Number(embeddingDim) <= MOST_DIM
      ? Number(embeddingDim)
      : undefined;
  } catch {
    return undefined;
  }
}
