import type { ChannelOptions } from './grpc-channel.js';
import type { ResponseHeaders } from './rpc-transport.js';

/** Options for starting the thread. */
export interface CallThreadData extends ChannelOptions {
  readonly url: string;
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A call to be made. */
export interface ThreadCall {
  readonly id: number;
  /** Full method name. */
  readonly path: string;
  readonly body: Uint8Array;
  /** 0 means no limit. */
  readonly timeoutMs: number;
  readonly wantsHeaders: boolean;
}

/** Messages to the thread: a batch of calls, or the cancellation of one. */
export type ToCallThread = { readonly calls: readonly ThreadCall[] } | { readonly cancel: number };

/** A status other than OK, serialised for another thread. */
export interface ThreadError {
  readonly code: number;
  readonly details: string;
  /** Its metadata: names and values, in order. */
  readonly metadata: readonly (readonly [string, string | Uint8Array])[];
}

/** Answer to a call. */
export type ThreadAnswer = {
  readonly id: number;
  readonly headers?: ResponseHeaders;
  /** Chain header of the answer. */
  readonly chain?: string;
  /** When the request was passed to the connection, milliseconds since the Unix epoch. */
  readonly sentAt?: number;
} & ({ readonly body: Uint8Array } | { readonly error: ThreadError; readonly sawHeaders: boolean });

/** Messages from the thread: a batch of answers, or that it is connected and accepts calls. */
export type FromCallThread = { readonly answers: readonly ThreadAnswer[] } | { readonly ready: true };
