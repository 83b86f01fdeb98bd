import fc from 'fast-check';
import { allLies } from '../lying-node/lies.js';
import { rewriteField } from '../lying-node/rewrite.js';

/** Lies that make an answer much longer. One is told at most: a field of 1 MiB, 1,000 times, would be a gigabyte. */
const LENGTHENING: ReadonlySet<string> = new Set(['1000 times', 'of 1 MiB']);

/** A node's answers to a method, fields of which are not what they should be. */
export function messageLies(method: string, answer: Uint8Array): fc.Arbitrary<Uint8Array> {
  const lies = allLies(new Set([method])).filter(({ kind }) => kind !== 'answer');
  const some = fc.array(fc.constantFrom(...lies), { minLength: 1, maxLength: 4 });
  return some.map((told) => {
    const lengthening = told.find(({ change }) => LENGTHENING.has(change));
    let bytes = answer;
    for (const lie of told) {
      if (LENGTHENING.has(lie.change) && lie !== lengthening) continue;
      try {
        bytes = rewriteField(bytes, lie);
      } catch {
        // An earlier lie left no message where this one would be told.
      }
    }
    return bytes;
  });
}
