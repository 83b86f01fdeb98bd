/** Maximum line length; longer lines are left out to limit memory. */
const MAX_LINE_LENGTH = 64 * 2 ** 20;

/**
 * Lines of UTF-8 text, or UTF-16 if it begins with a byte order mark, without line ends; `undefined` for a line of more
 * than 64 MiB.
 */
export async function* splitLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string | undefined> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  const parts: string[] = [];
  let length = 0;
  const take = (end: string): string | undefined => {
    const line = length + end.length > MAX_LINE_LENGTH ? undefined : parts.join('') + end;
    parts.length = 0;
    length = 0;
    return line?.endsWith('\r') ? line.slice(0, -1) : line;
  };
  for await (const piece of pieces) {
    if (piece.byteLength === 0) continue;
    decoder ??= decoderFor(piece);
    const text = decoder.decode(piece, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      yield take(text.slice(start, end));
      start = end + 1;
    }
    const rest = start === 0 ? text : text.slice(start);
    length += rest.length;
    if (length <= MAX_LINE_LENGTH) parts.push(rest);
    else parts.length = 0;
  }
  const last = take(decoder?.decode() ?? '');
  if (last !== '') yield last;
}

function decoderFor(first: Uint8Array): InstanceType<typeof TextDecoder> {
  if (first[0] === 0xff && first[1] === 0xfe) return new TextDecoder('utf-16le');
  if (first[0] === 0xfe && first[1] === 0xff) return new TextDecoder('utf-16be');
  return new TextDecoder();
}
