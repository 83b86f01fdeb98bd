import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, QuarryError } from '../../../errors/index.js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../../gen/google/rpc/error_details_pb.js';
import { type Status, StatusSchema } from '../../../gen/google/rpc/status_pb.js';
import { plainText } from '../../../text/plain-text.js';

/** An invalid field of a request. */
export interface FieldViolation {
  /** Path of the field, such as `requests[1].object_id`. */
  readonly field: string;
  readonly description: string;
  /** `FIELD_INVALID`, `FIELD_MISSING`, or empty. */
  readonly reason: string;
}

/** Contents of `google.rpc.Status` beyond code and message. */
export interface GrpcErrorDetails {
  readonly fieldViolations: readonly FieldViolation[];
  readonly errorInfo: { readonly reason: string; readonly domain: string } | undefined;
  readonly retryDelayMs: number | undefined;
}

const NO_DETAILS: GrpcErrorDetails = { fieldViolations: [], errorInfo: undefined, retryDelayMs: undefined };

/** A failed call as seen by the transport. */
export interface GrpcFailure {
  /** gRPC status code, 0 to 16. */
  readonly grpcCode: number;
  readonly message: string;
  /** Full method name, such as `/soma.rpc.LedgerService/GetObject`. */
  readonly method: string;
  /** Whether the server sent this status; false if our own transport generated it. */
  readonly fromServer: boolean;
  readonly details?: GrpcErrorDetails | undefined;
  readonly cause?: unknown | undefined;
}

/** A call with a gRPC status other than OK. */
export class GrpcError extends QuarryError {
  override readonly name = 'GrpcError';
  /** gRPC status code, 1 to 16. */
  readonly grpcCode: number;
  /** Its name, such as `NOT_FOUND`. */
  readonly grpcStatus: string;
  /** The server's status message. Untrusted. */
  readonly grpcMessage: string;
  readonly method: string;
  readonly fromServer: boolean;
  readonly statusDetails: GrpcErrorDetails;

  constructor(failure: GrpcFailure) {
    const details = failure.details ?? NO_DETAILS;
    const { code, hint } = meaningOf(failure);
    const grpcStatus = status[failure.grpcCode] ?? `CODE_${failure.grpcCode}`;
    const said = printable(failure.message || (details.fieldViolations[0]?.field ?? ''));
    const violation = details.fieldViolations[0];
    super(code, `${failure.method} failed with ${grpcStatus}${said === '' ? '' : `: ${said}`}`, {
      hint,
      details: {
        method: failure.method,
        grpcStatus,
        ...(violation !== undefined && { field: violation.field, reason: violation.reason }),
        retryAfterMs: details.retryDelayMs,
      },
      cause: failure.cause,
    });
    this.grpcCode = failure.grpcCode;
    this.grpcStatus = grpcStatus;
    this.grpcMessage = failure.message;
    this.method = failure.method;
    this.fromServer = failure.fromServer;
    this.statusDetails = details;
  }
}

/** The server's message on one line, without control characters, at most 500 characters. */
function printable(text: string): string {
  const line = plainText(text);
  return line.length > 500 ? `${line.slice(0, 500)}…` : line;
}

/** grpc-js reports responses above our own limit only as text. */
const TOO_LARGE = /^(Received message larger than max|Received message that decompresses to a size larger)/;

/**
 * Statuses that a transport derives from a reset stream or a proxy's response, regardless of what had arrived before.
 */
const MADE_BY_TRANSPORT = /^(Received RST_STREAM|Received HTTP status code 5|Stream closed|Call ended without)/i;

function meaningOf(failure: GrpcFailure): { code: ErrorCode; hint?: string | undefined } {
  const isInternal = failure.grpcCode === status.INTERNAL || failure.grpcCode === status.UNKNOWN;
  if (isInternal && (!failure.fromServer || MADE_BY_TRANSPORT.test(failure.message))) {
    return { code: 'UNREACHABLE', hint: 'the connection broke off; the call can be retried' };
  }
  switch (failure.grpcCode) {
    case status.CANCELLED:
      // Our own signal is handled before: this is a node shutting down, or a proxy resetting the stream.
      return { code: 'UNREACHABLE', hint: 'the node, or a proxy in front of it, cut off the call' };
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
      return { code: 'INVALID_ARGUMENT' };
    case status.DEADLINE_EXCEEDED:
      return { code: 'TIMEOUT', hint: 'the node is slow or far away; raise timeoutMs (--timeout-seconds)' };
    case status.NOT_FOUND:
      return failure.message === '' && failure.method.startsWith('/soma.rpc.StateService/')
        ? { code: 'NOT_FOUND', hint: 'this node has no indexes; use one that does' }
        : { code: 'NOT_FOUND' };
    case status.ALREADY_EXISTS:
      return { code: 'ALREADY_EXISTS' };
    case status.PERMISSION_DENIED:
      return { code: 'PERMISSION_DENIED' };
    case status.UNAUTHENTICATED:
      return { code: 'UNAUTHENTICATED' };
    case status.RESOURCE_EXHAUSTED:
      return TOO_LARGE.test(failure.message)
        ? { code: 'DATA_TOO_LARGE', hint: 'ask for a smaller page or a narrower mask, or raise readMaxBytes' }
        : { code: 'RATE_LIMITED' };
    case status.FAILED_PRECONDITION:
      return { code: 'FAILED_PRECONDITION' };
    case status.ABORTED:
      return { code: 'CONFLICT' };
    case status.UNIMPLEMENTED:
      return { code: 'UNSUPPORTED', hint: 'this node does not offer the method' };
    case status.UNAVAILABLE:
      return failure.fromServer
        ? { code: 'OVERLOADED' }
        : { code: 'UNREACHABLE', hint: 'check the URL, and that the node is running' };
    case status.DATA_LOSS:
      return { code: 'PROTOCOL' };
    default:
      return { code: 'REMOTE_FAILURE' };
  }
}

/** Decodes the details of a `google.rpc.Status`; details of unknown types are ignored. */
function readStatusDetails(message: Status): GrpcErrorDetails {
  const fieldViolations: FieldViolation[] = [];
  let errorInfo: GrpcErrorDetails['errorInfo'];
  let retryDelayMs: number | undefined;
  for (const any of message.details) {
    // The network omits the host in type URLs: "/google.rpc.BadRequest".
    try {
      const badRequest = anyUnpack(any, BadRequestSchema);
      for (const v of badRequest?.fieldViolations ?? []) {
        fieldViolations.push({ field: v.field, description: v.description, reason: v.reason });
      }
      const info = anyUnpack(any, ErrorInfoSchema);
      if (info !== undefined) errorInfo = { reason: info.reason, domain: info.domain };
      const retry = anyUnpack(any, RetryInfoSchema)?.retryDelay;
      if (retry !== undefined) retryDelayMs = Number(retry.seconds) * 1000 + Math.round(retry.nanos / 1e6);
    } catch {
      // Details only explain a failure; unreadable ones must not hide it.
    }
  }
  return { fieldViolations, errorInfo, retryDelayMs };
}

/** Creates the error of a failed item of a batch. */
export function errorOfStatus(message: Status, method: string): GrpcError {
  return new GrpcError({
    grpcCode: message.code,
    message: message.message,
    method,
    fromServer: true,
    details: readStatusDetails(message),
  });
}

function detailsOf(metadata: Metadata | undefined): GrpcErrorDetails {
  const raw = metadata?.get('grpc-status-details-bin')[0];
  if (!(raw instanceof Uint8Array)) return NO_DETAILS;
  try {
    return readStatusDetails(fromBinary(StatusSchema, raw));
  } catch {
    return NO_DETAILS;
  }
}

/** Converts an error of grpc-js to a {@link GrpcError}. `sawHeaders` tells whether a response had started. */
export function fromServiceError(error: ServiceError, method: string, sawHeaders: boolean): GrpcError {
  // Statuses generated locally have no metadata; those from the server have headers or trailers.
  const fromServer = sawHeaders || Object.keys(error.metadata?.getMap() ?? {}).length > 0;
  return new GrpcError({
    grpcCode: error.code,
    message: error.details,
    method,
    fromServer,
    details: detailsOf(error.metadata),
    cause: error,
  });
}
