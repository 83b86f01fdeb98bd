import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';

/** One request as it goes on the wire. */
export interface SendRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  /** Longest wait for the head of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Longest wait between two pieces of its body, in milliseconds. */
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The head of an answer and its body still to be read. */
export interface SendAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** Connections of one client. */
export interface Sender {
  send(url: URL, request: SendRequest): Promise<SendAnswer>;
  close(): Promise<void>;
}

/** How connections are made. */
export interface SenderOptions {
  /** Longest wait for a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly lookup?: LookupFunction | undefined;
}
