import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, QuarryError } from '../../../errors/index.js';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.js';
import { type Status, StatusSchema } from '../../../gen/google/rpc/status_pb.js';

/** The gRPC status codes used by this node. */
export type RpcCode =
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE';

const LIBRARY_CODES: Readonly<Record<RpcCode, ErrorCode>> = {
  INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  DEADLINE_EXCEEDED: 'TIMEOUT',
  NOT_FOUND: 'NOT_FOUND',
  ALREADY_EXISTS: 'ALREADY_EXISTS',
  FAILED_PRECONDITION: 'FAILED_PRECONDITION',
  ABORTED: 'CONFLICT',
  UNIMPLEMENTED: 'UNSUPPORTED',
  INTERNAL: 'INTERNAL',
  UNAVAILABLE: 'OVERLOADED',
};

/** An invalid field of a request. */
export interface FieldViolation {
  /** `transaction`, `requests[1].object_id`, `read_mask`. */
  readonly field: string;
  readonly description: string;
  readonly reason: 'FIELD_INVALID' | 'FIELD_MISSING';
}

/** An error status in the node's wording. */
export class RpcStatus extends QuarryError {
  override readonly name = 'RpcStatus';
  readonly rpcCode: RpcCode;
  readonly violations: readonly FieldViolation[];

  constructor(rpcCode: RpcCode, message: string, violations: readonly FieldViolation[] = []) {
    super(LIBRARY_CODES[rpcCode], message);
    this.rpcCode = rpcCode;
    this.violations = violations;
  }

  /** INVALID_ARGUMENT for one field; the message is the description. */
  static invalid(field: string, description: string): RpcStatus {
    return new RpcStatus('INVALID_ARGUMENT', description, [{ field, description, reason: 'FIELD_INVALID' }]);
  }

  /** INVALID_ARGUMENT for a missing field. */
  static missing(field: string): RpcStatus {
    return new RpcStatus('INVALID_ARGUMENT', '', [{ field, description: '', reason: 'FIELD_MISSING' }]);
  }

  /** Converts `error` to a status: unchanged if it is one, otherwise INTERNAL with its message. */
  static from(error: unknown): RpcStatus {
    if (error instanceof RpcStatus) return error;
    return new RpcStatus('INTERNAL', error instanceof Error ? error.message : String(error));
  }

  /** Converts to `google.rpc.Status`, used in `grpc-status-details-bin` and batch items. */
  toProto(): Status {
    const details =
      this.violations.length === 0
        ? []
        : [
            create(AnySchema, {
              // The network writes type URLs without a host.
              typeUrl: '/google.rpc.BadRequest',
              value: toBinary(
                BadRequestSchema,
                create(BadRequestSchema, { fieldViolations: this.violations.map((each) => ({ ...each })) }),
              ),
            }),
          ];
    return create(StatusSchema, { code: status[this.rpcCode], message: this.message, details });
  }

  /** Converts to the error that grpc-js sends. */
  toServiceError(): Partial<ServiceError> {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, this.toProto())));
    return { code: status[this.rpcCode], details: this.message, metadata };
  }
}
