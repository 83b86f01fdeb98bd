import type { Offer } from '../models.js';

/** The parts of a websocket used here: the browser's interface, and `ping` if available. */
export interface WebSocketLike {
  readonly readyState: number;
  /** Sends one text message. */
  send(data: string): void;
  /** Begins the closing handshake. */
  close(code?: number, reason?: string): void;
  /** The connection is open. */
  addEventListener(type: 'open', listener: () => void): void;
  /** A message arrived: text or bytes. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** The connection closed, with a code of RFC 6455. */
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  /** The connection failed; `close` follows. */
  addEventListener(type: 'error', listener: (event: unknown) => void): void;
  /** Sends a ping; only the `ws` package has it. */
  ping?(): void;
  /** Listens for pongs; only the `ws` package has it. */
  on?(type: 'pong', listener: () => void): unknown;
  /** Closes the connection without a handshake; only the `ws` package has it. */
  terminate?(): void;
}

/** Constructor of the `ws` package or of a browser. */
export type WebSocketConstructor = new (
  url: string,
  options?: { readonly headers?: Readonly<Record<string, string>>; readonly handshakeTimeout?: number | undefined },
) => WebSocketLike;

/** All in milliseconds except `maxReconnects`. Defaults as in upstream's SDK transport. */
export interface SocketTimings {
  /** Default 30 000. */
  readonly pingIntervalMs: number;
  /** Default 20 000. */
  readonly pongTimeoutMs: number;
  /** Default 5 000. */
  readonly reconnectDelayMs: number;
  /** Reconnects tried after a loss before polling takes over. Default 5. */
  readonly maxReconnects: number;
  /** Default 10 000. */
  readonly handshakeTimeoutMs: number;
  /** Initial polling interval of a job. Default 5 000. */
  readonly pollIntervalMs: number;
  /** Maximum polling interval of a job, and the interval while the socket works. Default 30 000. */
  readonly maxPollIntervalMs: number;
  /** Polling interval of offers. Default 30 000. */
  readonly offerPollIntervalMs: number;
}

/** Upstream's SDK transport: ping 30 s, pong 20 s, reconnect 5 s, five times. */
export const DEFAULT_SOCKET_TIMINGS: SocketTimings = {
  pingIntervalMs: 30_000,
  pongTimeoutMs: 20_000,
  reconnectDelayMs: 5_000,
  maxReconnects: 5,
  handshakeTimeoutMs: 10_000,
  pollIntervalMs: 5_000,
  maxPollIntervalMs: 30_000,
  offerPollIntervalMs: 30_000,
};

interface SocketEvent {
  /** Whether this client derived the event from polling. */
  readonly synthetic: boolean;
}

/** A job's status changed. */
export interface JobUpdate extends SocketEvent {
  readonly type: 'job_update';
  readonly jobId: string;
  /** A documented status. */
  readonly status: string;
  readonly timestamp: string;
  readonly progress?: number | undefined;
  readonly minerId?: string | undefined;
  readonly rawState?: string | undefined;
}

/** Offers or transactions changed. */
export interface MarketplaceUpdate extends SocketEvent {
  readonly type: 'marketplace_update';
  readonly timestamp: string;
  /** Data from the server; absent in synthetic events. */
  readonly data?: unknown | undefined;
  /** New offers, and ids of those that disappeared; only in synthetic events. */
  readonly added?: readonly Offer[] | undefined;
  readonly removed?: readonly string[] | undefined;
}

/** A receipt was created for a job. */
export interface ReceiptCreated extends SocketEvent {
  readonly type: 'receipt_created';
  readonly jobId?: string | undefined;
  readonly receiptId?: string | undefined;
  readonly timestamp: string;
  readonly data?: unknown | undefined;
}

/** A frame of an undocumented type. */
export interface OtherMessage extends SocketEvent {
  readonly type: 'message';
  readonly data: unknown;
}

/** Any event of a socket. */
export type CoordinatorEvent = JobUpdate | MarketplaceUpdate | ReceiptCreated | OtherMessage;

/** Events of a socket and their listeners' arguments. */
export interface SocketListeners {
  readonly jobUpdate: JobUpdate;
  readonly marketplaceUpdate: MarketplaceUpdate;
  readonly receiptCreated: ReceiptCreated;
  readonly message: OtherMessage;
  readonly error: Error;
  /** The websocket is open. */
  readonly open: undefined;
  /** The websocket was given up and only polling continues; the value says why. */
  readonly fallback: string;
  readonly close: undefined;
}
