/** A stream with its first bytes. */
export interface Peeked {
  /** At least `count` bytes, unless the stream is shorter. */
  readonly head: Uint8Array;
  /** The whole stream, including the head. Read it to the end or call its `return`, so that the source is closed. */
  readonly all: AsyncGenerator<Uint8Array>;
}

/** Reads the first `count` bytes of `pieces` without consuming them. */
export async function peek(pieces: AsyncIterable<Uint8Array>, count: number): Promise<Peeked> {
  const iterator = pieces[Symbol.asyncIterator]();
  let head = new Uint8Array(0);
  while (head.byteLength < count) {
    const next = await iterator.next();
    if (next.done) break;
    head = head.byteLength === 0 ? new Uint8Array(next.value) : Buffer.concat([head, next.value]);
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (head.byteLength > 0) yield head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { head, all: all() };
}
