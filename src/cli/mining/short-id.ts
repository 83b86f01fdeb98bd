/** Shortens an id for people: `0x12345678…cdef`. */
export function shortId(id: string): string {
  return `${id.slice(0, 10)}…${id.slice(-4)}`;
}
