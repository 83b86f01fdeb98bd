/** One field occurrence of an encoded protobuf message, its value still encoded. */
export interface WireField {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly type: number;
  /** Without tag and length. */
  readonly value: Uint8Array;
}

const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The bytes of an unsigned varint. */
export function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return Uint8Array.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

function varintEnd(bytes: Uint8Array, from: number): number {
  let end = from;
  while ((bytes[end] ?? 0) >= 128) end++;
  return end + 1;
}

function readVarint(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let at = end - 1; at >= from; at--) value = value * 128 + ((bytes[at] ?? 0) & 127);
  return value;
}

/** Takes an honest message apart. */
export function splitMessage(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tagEnd = varintEnd(bytes, at);
    const tag = readVarint(bytes, at, tagEnd);
    const type = tag & 7;
    let from = tagEnd;
    let end = varintEnd(bytes, from);
    if (type === 2) {
      const length = readVarint(bytes, from, end);
      from = end;
      end = from + length;
    } else if (type !== 0) end = from + (FIXED_BYTES[type] ?? 0);
    fields.push({ number: Math.floor(tag / 8), type, value: bytes.subarray(from, end) });
    at = end;
  }
  return fields;
}

/** Puts fields together as a message. */
export function joinMessage(fields: readonly WireField[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(({ number, type, value }) => {
      const tag = varint(BigInt(number * 8 + type));
      return type === 2 ? [tag, varint(BigInt(value.length)), value] : [tag, value];
    }),
  );
}
