import type { HttpClient } from '../http/index.js';
import type { DecodeOptions, SourceUnit } from './contract.js';
import { documentsOf } from './decode.js';
import { fileUnit, listFiles, readPieces } from './files.js';
import { httpUnit, readUrlList } from './http.js';
import { huggingFaceFiles, huggingFaceUnits } from './hugging-face.js';
import type { OnLeftOut } from './left-out.js';
import { linkedUnit } from './linked-rows.js';
import { parseSynthetic, syntheticUnits } from './synthetic.js';
import { parseLinkedContents, STACK_V2 } from './url-template.js';

/** How source names are understood. */
export interface ResolveOptions extends DecodeOptions {
  /** Where relative paths start. */
  readonly cwd: string;
  readonly hubUrl?: string | undefined;
  readonly hfToken?: string | undefined;
}

/** What sources are read with. */
export interface ResolveDeps {
  readonly http: HttpClient;
  /** What `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Called with files, directories and lines of a list that cannot be used, by name. */
  readonly onLeftOut?: OnLeftOut | undefined;
}

/**
 * What the words after `--data` stand for: `-` standard input, `hf:owner/name[/config[/split]]` a Hugging Face dataset,
 * `hf:…?url=TEMPLATE` one whose rows name contents that lie elsewhere, `stack-v2` such a one,
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
    for await (const unit of unitsOf(spec, options, deps)) units.push(unit);
  }
  return units;
}

async function* unitsOf(spec: string, options: ResolveOptions, deps: ResolveDeps): AsyncGenerator<SourceUnit> {
  const synthetic = parseSynthetic(spec);
  if (synthetic !== undefined) yield* syntheticUnits(synthetic);
  else if (spec === '-') yield stdinUnit(deps.stdin ?? empty(), options);
  else if (spec === 'stack-v2') yield* await datasetUnits(STACK_V2, options, deps);
  else if (spec.startsWith('hf:')) yield* await datasetUnits(spec.slice(3), options, deps);
  else if (spec.startsWith('urls:')) {
    const path = spec.slice(5);
    for await (const url of readUrlList(path, readPieces(path), deps.onLeftOut)) {
      yield httpUnit(url, deps.http, options);
    }
  } else if (/^https?:\/\//i.test(spec)) yield httpUnit(spec, deps.http, options);
  else {
    for await (const path of listFiles(spec, options.cwd, deps.onLeftOut)) yield fileUnit(path, options.cwd, options);
  }
}

async function datasetUnits(spec: string, options: ResolveOptions, { http }: ResolveDeps): Promise<SourceUnit[]> {
  const hub = { ...options, token: options.hfToken };
  const [dataset, contents] = parseLinkedContents(spec);
  if (contents === undefined) return huggingFaceUnits(dataset, http, hub);
  return (await huggingFaceFiles(dataset, http, hub)).map((file) => linkedUnit(file, http, contents));
}

function stdinUnit(pieces: AsyncIterable<Uint8Array>, options: DecodeOptions): SourceUnit {
  return {
    name: 'stdin',
    readOnce: true,
    documents: (signal, onLeftOut) => documentsOf({ name: 'stdin', pieces: () => pieces }, options, signal, onLeftOut),
  };
}

async function* empty(): AsyncGenerator<Uint8Array> {}
