import stringWidth from 'string-width';

/** Terminal cells `text` takes: wide characters and emoji count as two. Plain ASCII, the common case, is its length. */
export function textWidth(text: string): number {
  return /^[\u0020-\u007e]*$/.test(text) ? text.length : stringWidth(text);
}
