import stringWidth from 'string-width';

/** Width of `text` in terminal cells; wide characters and emoji take two. Printable ASCII takes a fast path. */
export function textWidth(text: string): number {
  return /^[\u0020-\u007e]*$/.test(text) ? text.length : stringWidth(text);
}
