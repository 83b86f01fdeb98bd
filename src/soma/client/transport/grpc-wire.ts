import { Metadata } from '@grpc/grpc-js';
import type { ResponseHeaders } from './rpc-transport.js';

/** Text headers by lowercase name, without binary ones. */
export function flattenMetadata(metadata: Metadata): ResponseHeaders {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string') out[name] = value;
  }
  return out;
}

/** Creates call metadata from headers. */
export function metadataOf(headers: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** `slice` of a Buffer shares memory, unlike that of a Uint8Array, so convert all Buffers here. */
export function asUint8Array(received: Buffer): Uint8Array {
  return new Uint8Array(received.buffer, received.byteOffset, received.byteLength);
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Call options for a timeout; 0 means none. */
export function callDeadline(timeoutMs: number): { deadline?: Date } {
  return timeoutMs > 0 ? { deadline: new Date(Date.now() + timeoutMs) } : {};
}
