import { QuarryError } from '../../errors/index.js';
import { bcs } from '../chain/index.js';
import {
  type CallOptions,
  diagnoseEndpoint,
  GrpcTransport,
  type GrpcTransportOptions,
  type RawMethod,
} from '../client/transport/index.js';

/** A unary method whose bodies are BCS inside gRPC frames. */
export function bcsMethod<Request, Response>(
  path: string,
  request: bcs.Codec<Request>,
  response: bcs.Codec<Response>,
): RawMethod<Request, Response> {
  return {
    path,
    encode: (value) => bcs.encodeBcs(request, value),
    decode: (bytes) => bcs.decodeBcs(response, bytes, path),
  };
}

/** Connection options of a service. */
export type ServiceOptions = Omit<GrpcTransportOptions, 'onHeaders'>;

/** A connection to one of the services beside the fullnode: faucet, scoring, admin. */
export class BcsService {
  readonly #transport: GrpcTransport;
  readonly #options: ServiceOptions;

  /** @throws QuarryError `CONFIG_INVALID` when the URL is not an origin */
  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#transport = new GrpcTransport(options);
  }

  /** Calls a method. Explains why if the service is unreachable. */
  protected async call<Request, Response>(
    method: RawMethod<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    try {
      return await this.#transport.unaryRaw(method, request, options);
    } catch (error) {
      if (!(error instanceof QuarryError) || error.code !== 'UNREACHABLE') throw error;
      throw (await diagnoseEndpoint(this.#transport.endpoint, this.#options.tls)) ?? error;
    }
  }

  /** Closes the connection and aborts its calls. */
  close(): void {
    this.#transport.close();
  }
}
