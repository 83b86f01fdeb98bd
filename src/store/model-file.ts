import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeDirectory } from '../files/make-directory.js';
import { assertRegularFile } from '../files/regular-file.js';
import { type ModelKey, modelKeyId } from './model-key.js';

/** Contents of `model.json`: the model whose scores a directory holds, and its embedding width. */
export type ModelFile = ModelKey & { readonly embeddingDim: number };

const ID = /^([A-Za-z0-9_][A-Za-z0-9._]{0,31})-([0-9a-f]{64})$/;
const MOST_DIM = 1_000_000;

/**
 * The model of a directory of scores; undefined if its creation never finished. The directory's name decides; the file
 * counts only if it agrees.
 */
export function readModelFile(dir: string): (ModelKey & { readonly embeddingDim: number | undefined }) | undefined {
  const [, architecture, checksum] = ID.exec(basename(dir)) ?? [];
  if (architecture === undefined || checksum === undefined || !isFinished(dir)) return undefined;
  return { architecture, checksum, embeddingDim: dimIn(dir, { architecture, checksum }) };
}

/** Writes `model.json`, unless it is already correct; replaces a damaged one. */
export function ensureModelFile(dir: string, model: ModelFile): void {
  if (existsSync(join(dir, 'model.json')) && dimIn(dir, model) === model.embeddingDim) return;
  makeDirectory(dir);
  assertRegularFile(join(dir, 'model.json.new'));
  writeFileSync(join(dir, 'model.json.new'), `${JSON.stringify(model, null, 2)}\n`);
  renameSync(join(dir, 'model.json.new'), join(dir, 'model.json'));
}

/** `model.json` is written before any rows: if there are rows, it existed and was lost later. */
function isFinished(dir: string): boolean {
  const rows = statSync(join(dir, 'meta.bin'), { throwIfNoEntry: false })?.size ?? 0;
  return rows > 0 || existsSync(join(dir, 'model.json'));
}

/** The embedding width in `model.json`; undefined if the file is damaged or of another model. */
function dimIn(dir: string, key: ModelKey): number | undefined {
  try {
    assertRegularFile(join(dir, 'model.json'));
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
