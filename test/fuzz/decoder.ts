import type fc from 'fast-check';

/** What reads bytes that a stranger wrote. */
export interface Decoder {
  readonly name: string;
  /** Good inputs, from which bad ones are made. */
  readonly seeds: readonly Uint8Array[];
  /** Inputs that are well formed on the surface, so that what lies deeper is met. */
  readonly lies: fc.Arbitrary<Uint8Array>;
  readonly decode: (bytes: Uint8Array) => unknown;
}
