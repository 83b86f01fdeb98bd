import type { ChannelOptions } from './grpc-channel.js';
import type { ResponseHeaders } from './rpc-transport.js';

/** What the thread that makes calls is started with. */
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

/** Messages to the thread: many calls at once, or the cancellation of one. */
export type ToCallThread = { readonly calls: readonly ThreadCall[] } | { readonly cancel: number };

/** A status other than OK, as it crosses threads. */
export interface ThreadError {
  readonly code: number;
  readonly details: string;
  /** What came with it: names and values, in order. */
  readonly metadata: readonly (readonly [string, string | Uint8Array])[];
}

/** What became of a call. */
export type ThreadAnswer = {
  readonly id: number;
  readonly headers?: ResponseHeaders;
  /** When the request was handed to the connection, milliseconds since the Unix epoch. */
  readonly sentAt?: number;
} & ({ readonly body: Uint8Array } | { readonly error: ThreadError; readonly sawHeaders: boolean });

/** What the thread tells: several answers at once, or that its connection stands and calls may come. */
export type FromCallThread = { readonly answers: readonly ThreadAnswer[] } | { readonly ready: true };
