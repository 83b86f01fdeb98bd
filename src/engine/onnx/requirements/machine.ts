import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { namesIn } from '../../names-in.js';

/** The parts of a machine that GPU providers depend on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Root directory of its file system. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory of the onnxruntime-node package; `undefined` if not installed. */
  readonly onnxDir: string | undefined;
}

/** Something a GPU provider needs, and whether it was found. */
export interface Requirement {
  readonly name: string;
  readonly met: boolean;
  /** What was found, or what is missing. */
  readonly detail: string;
  /** How to meet it. */
  readonly cure?: string | undefined;
}

/** The machine this process runs on. */
export function thisMachine(): Machine {
  const { platform, arch, env } = process;
  return { platform, arch, root: '/', env, onnxDir: onnxRuntimeDir() };
}

function onnxRuntimeDir(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  } catch {
    return undefined;
  }
}

/** Directory of the onnxruntime-node libraries for a machine; `undefined` if there are none. */
export function onnxLibraryDir({ onnxDir, platform, arch }: Machine): string | undefined {
  if (onnxDir === undefined) return undefined;
  return namesIn(join(onnxDir, 'bin'))
    .map((abi) => join(onnxDir, 'bin', abi, platform, arch))
    .find((dir) => existsSync(dir));
}

/** Contents of a file as Latin-1; `undefined` if it cannot be read. */
export function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
