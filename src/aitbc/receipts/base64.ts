/**
 * Decodes base64 text of exactly `length` bytes; undefined if malformed. Accepts base64url with or without padding and
 * padded standard base64. Refuses mixed alphabets and stray trailing bits, so that each form is unique.
 */
export function decodeBase64Exact(text: unknown, length: number): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  const body = text.replace(/(?<!=)=+$/, '');
  const standard = /[+/]/.test(body);
  if (!(standard ? /^[A-Za-z0-9+/]+$/ : /^[A-Za-z0-9_-]+$/).test(body)) return undefined;
  const padding = (4 - (body.length % 4)) % 4;
  const padded = text.length - body.length;
  if (padded !== padding && (padded !== 0 || standard)) return undefined;
  const bytes = Buffer.from(body, standard ? 'base64' : 'base64url');
  if (bytes.length !== length) return undefined;
  const again = bytes.toString(standard ? 'base64' : 'base64url').replace(/(?<!=)=+$/, '');
  return again === body ? new Uint8Array(bytes) : undefined;
}

/** Encodes base64url without padding, the form of `key_id` and `sig`. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
