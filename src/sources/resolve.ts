import type { HttpClient } from '../net/index.js';
import type { DecodeOptions, SourceUnit } from './contract.js';
import { documentsOf } from './decode.js';
import { fileUnit, listFiles, readPieces } from './files.js';
import { httpUnit, readUrlList } from './http.js';
import { huggingFaceFiles, huggingFaceUnits } from './hugging-face.js';
import type { OnLeftOut } from './left-out.js';
import { linkedUnit } from './linked-rows.js';
import { parseSynthetic, syntheticUnits } from './synthetic.js';
import { parseLinkedContents, STACK_V2 } from './url-template.js';

/** Options for resolving source names. */
export interface ResolveOptions extends DecodeOptions {
  /** Base of relative paths. */
  readonly cwd: string;
  /** Hub that `hf:` names refer to. Default `https://huggingface.co`. */
  readonly hubUrl?: string | undefined;
  /** Access token for gated datasets, sent to the Hub alone. */
  readonly hfToken?: string | undefined;
  /** Ends the listing of datasets. */
  readonly signal?: AbortSignal | undefined;
}

/** Dependencies of reading sources. */
export interface ResolveDeps {
  readonly http: HttpClient;
  /** Read by the source `-`. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Called with the names of files, directories and list lines that cannot be used. */
  readonly onLeftOut?: OnLeftOut | undefined;
}

/**
 * Resolves the arguments of `--data`: `-` standard input, `hf:owner/name[/config[/split]]` a Hugging Face dataset,
 * `hf:…?url=TEMPLATE` a dataset whose rows refer to contents elsewhere, `stack-v2` one of these,
 * `synthetic[:COUNT][?seed=N]` generated structured chunks, `https://…` a file, `urls:FILE` a list of URLs, anything
 * else a file, directory or glob.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when a path or glob matches nothing
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
