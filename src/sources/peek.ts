/** The first bytes of a stream, and the whole of it. */
export interface Peeked {
  /** At least `count` bytes, fewer when the stream is shorter. */
  readonly head: Uint8Array;
  /** Everything, the head included. Read it to its end or return it, so that the source is closed. */
  readonly all: AsyncGenerator<Uint8Array>;
}

/** Looks at the first `count` bytes of `pieces` without losing them. */
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
