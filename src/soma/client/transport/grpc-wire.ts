import { Metadata } from '@grpc/grpc-js';
import type { ResponseHeaders } from './rpc-transport.js';

/** Text headers by lowercase name; binary ones are left out. */
export function flattenMetadata(metadata: Metadata): ResponseHeaders {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string') out[name] = value;
  }
  return out;
}

/** The metadata of a call that sends these headers. */
export function metadataOf(headers: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** A Buffer's `slice` shares memory where a Uint8Array's copies, so no Buffer gets past here. */
export function asUint8Array(received: Buffer): Uint8Array {
  return new Uint8Array(received.buffer, received.byteOffset, received.byteLength);
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The call options of a limit; 0 means none. */
export function callDeadline(timeoutMs: number): { deadline?: Date } {
  return timeoutMs > 0 ? { deadline: new Date(Date.now() + timeoutMs) } : {};
}
