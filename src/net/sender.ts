import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';

/** One request on the wire. */
export interface SendRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  /** Maximum wait for response headers, milliseconds. */
  readonly timeoutMs: number;
  /** Maximum wait between two chunks of the body, milliseconds. */
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Response headers, with the body still to be read. */
export interface SendAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** A client's connections. */
export interface Sender {
  send(url: URL, request: SendRequest): Promise<SendAnswer>;
  close(): Promise<void>;
}

/** Options for connections. */
export interface SenderOptions {
  /** Maximum wait for a connection, milliseconds. */
  readonly connectTimeoutMs: number;
  readonly lookup?: LookupFunction | undefined;
}
