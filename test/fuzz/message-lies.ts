import fc from 'fast-check';
import { allLies } from '../lying-node/lies.js';
import { rewriteField } from '../lying-node/rewrite.js';

/** A node's answers to a method, fields of which are not what they should be. */
export function messageLies(method: string, answer: Uint8Array): fc.Arbitrary<Uint8Array> {
  const lies = allLies(new Set([method])).filter(({ kind }) => kind !== 'answer');
  const some = fc.array(fc.constantFrom(...lies), { minLength: 1, maxLength: 4 });
  return some.map((told) => {
    let bytes = answer;
    for (const lie of told) {
      try {
        bytes = rewriteField(bytes, lie);
      } catch {
        // An earlier lie left no message where this one would be told.
      }
    }
    return bytes;
  });
}
