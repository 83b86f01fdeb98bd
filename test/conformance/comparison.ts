import { isDeepStrictEqual } from 'node:util';
import { QuarryError } from '../../src/errors/index.js';
import { plainText } from '../../src/text/index.js';
import { type OfficialSdk, type SdkCall, SdkError, type SdkValue } from './official-sdk.js';

/** One line of the table. */
export interface ComparisonRow {
  readonly method: string;
  /** What of it was tried. */
  readonly called: string;
  readonly same: boolean;
  /** What was compared, or the first difference. */
  readonly result: string;
}

/** A call of the SDK: on which object, what is tried in words, and the arguments. */
export interface ComparedCall extends SdkCall {
  /** Default `client`. */
  readonly on?: string;
  readonly called?: string;
}

/** Calls the official SDK and our own code, and keeps what came of both. */
export class Comparison {
  readonly rows: ComparisonRow[] = [];
  readonly #sdk: OfficialSdk;
  readonly #onRow: (row: ComparisonRow) => void;

  constructor(sdk: OfficialSdk, onRow: (row: ComparisonRow) => void) {
    this.#sdk = sdk;
    this.#onRow = onRow;
  }

  /**
   * Calls a method of the SDK and compares its result with ours.
   *
   * @param ours our result in the SDK's form, given theirs
   * @returns theirs; null where the call failed, which the table has already
   */
  async same(
    method: string,
    call: ComparedCall,
    ours: (theirs: SdkValue) => unknown,
    what = 'equal',
  ): Promise<SdkValue> {
    try {
      const theirs = await this.#sdk.call(call.on ?? 'client', bareName(method), call);
      const difference = firstDifference(theirs, await ours(theirs));
      this.#add(method, call, difference === undefined, difference ?? what);
      return theirs;
    } catch (error) {
      this.#add(method, call, false, describe(error));
      return null;
    }
  }

  /** Calls a method that both sides must refuse: theirs with a Python class, ours with a code. */
  async refused(
    method: string,
    call: ComparedCall & { readonly raises: string; readonly code: string },
    ours: () => unknown,
  ): Promise<void> {
    const theirs = await outcome(() => this.#sdk.call(call.on ?? 'client', bareName(method), call));
    const own = await outcome(ours);
    const want = `${call.raises} / ${call.code}`;
    const got = `${theirs instanceof SdkError ? theirs.type : describe(theirs)} / ${own instanceof QuarryError ? own.code : describe(own)}`;
    this.#add(method, call, got === want, got === want ? `both refuse: ${want}` : `wanted ${want}, got ${got}`);
  }

  /** Compares two values that were read before. */
  value(method: string, called: string, theirs: unknown, ours: unknown): void {
    const difference = firstDifference(theirs, ours);
    this.#add(method, { called }, difference === undefined, difference ?? 'equal');
  }

  /** Adds a line for something that was found out otherwise. */
  note(method: string, called: string, same: boolean, result: string): void {
    this.#add(method, { called }, same, result);
  }

  #add(method: string, call: ComparedCall, same: boolean, result: string): void {
    const row = { method, called: call.called ?? '', same, result };
    this.rows.push(row);
    this.#onRow(row);
  }
}

/** The table says `Keypair.sign` where the SDK's object has `sign`. */
const bareName = (method: string): string => method.replace(/^Keypair\./, '');

async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return error;
  }
}

function describe(value: unknown): string {
  if (value instanceof SdkError) return `the SDK raised ${value.type}: ${plainText(value.message).slice(0, 300)}`;
  if (value instanceof QuarryError) return `our client threw ${value.code}: ${value.message}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return `no error: ${show(value)}`;
}

/** Where two values differ first, or `undefined`. */
function firstDifference(theirs: unknown, ours: unknown, path = ''): string | undefined {
  if (isDeepStrictEqual(theirs, ours)) return undefined;
  if (isTree(theirs) && isTree(ours) && Array.isArray(theirs) === Array.isArray(ours)) {
    for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
      const difference = firstDifference(theirs[name], ours[name], `${path}.${name}`);
      if (difference !== undefined) return difference;
    }
  }
  return `${path || 'the value'}: theirs ${show(theirs)}, ours ${show(ours)}`;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_name, each: unknown) =>
    typeof each === 'bigint' ? `${each}n` : each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each,
  );
  return text === undefined ? 'undefined' : text.slice(0, 200);
}
