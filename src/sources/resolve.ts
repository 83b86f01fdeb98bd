import type { HttpClient } from '../http/index.js';
import type { DecodeOptions, SourceUnit } from './contract.js';
import { fileUnit, listFiles, readPieces } from './files.js';
import { httpUnit, readUrlList } from './http.js';
import { huggingFaceUnits } from './hugging-face.js';
import { parseSynthetic, syntheticUnits } from './synthetic.js';

export interface ResolveOptions extends DecodeOptions {
  /** Where relative paths start. */
  readonly cwd: string;
  readonly hubUrl?: string;
  readonly hfToken?: string;
}

export interface ResolveDeps {
  readonly http: HttpClient;
  /** What `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array>;
}

/**
 * What the words after `--data` stand for: `-` standard input, `hf:owner/name[/config[/split]]` a Hugging Face dataset,
 * `synthetic[:COUNT][?seed=N]` structured chunks made here, `https://…` a file, `urls:FILE` a list of URLs, anything else a file, a directory or a glob.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when a path or glob names nothing
 */
export async function resolveSources(
  specs: readonly string[],
  options: ResolveOptions,
  deps: ResolveDeps,
): Promise<SourceUnit[]> {
  const units: SourceUnit[] = [];
  for (const spec of specs) {
    const synthetic = parseSynthetic(spec);
    if (synthetic !== undefined) units.push(...syntheticUnits(synthetic));
    else if (spec === '-') units.push(stdinUnit(deps.stdin ?? empty()));
    else if (spec.startsWith('hf:')) {
      const hf = {
        ...options,
        ...(options.hfToken !== undefined && { token: options.hfToken }),
      };
      units.push(...(await huggingFaceUnits(spec.slice(3), deps.http, hf)));
    } else if (spec.startsWith('urls:')) {
      const path = spec.slice(5);
      const urls = await readUrlList(path, readPieces(path));
      units.push(...urls.map((url) => httpUnit(url, deps.http, options)));
    } else if (/^https?:\/\//i.test(spec)) units.push(httpUnit(spec, deps.http, options));
    else units.push(...(await listFiles(spec, options.cwd)).map((path) => fileUnit(path, options.cwd, options)));
  }
  return units;
}

function stdinUnit(pieces: AsyncIterable<Uint8Array>): SourceUnit {
  return {
    name: 'stdin',
    readOnce: true,
    async *documents() {
      yield { origin: 'stdin', pieces };
    },
  };
}

async function* empty(): AsyncGenerator<Uint8Array> {}
