import type { CallOptions } from '../dialects/dialect.js';
import type { RequestValidation } from '../registry/validate-request.js';
import { fromWire, type Wire } from '../wire.js';
import type { Run } from './jobs.js';

/** Which services to list. */
export interface RegistryQuery {
  readonly category?: string | undefined;
  /** Part of a name, description or tag, in any case. */
  readonly search?: string | undefined;
}

/** `client.registry`. Definitions and schemas keep their wire names. */
export class RegistryNamespace {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async list(query: RegistryQuery = {}, options: CallOptions = {}): Promise<readonly Wire[]> {
    return this.#run('registry.list', options, (dialect) => dialect.listServices({ ...query }, options));
  }

  async get(serviceId: string, options: CallOptions = {}): Promise<Wire> {
    return this.#run('registry.get', options, (dialect) => dialect.getService(serviceId, options));
  }

  /** JSON Schema of a service's inputs. */
  async schema(serviceId: string, options: CallOptions = {}): Promise<Wire> {
    return this.#run('registry.schema', options, (dialect) => dialect.getServiceSchema(serviceId, options));
  }

  /** The hardware a service needs. */
  async requirements(serviceId: string, options: CallOptions = {}): Promise<Wire> {
    return this.#run('registry.requirements', options, (dialect) => dialect.getServiceRequirements(serviceId, options));
  }

  /** Checks a request against a service's schema, on the server where it can and here where it cannot. */
  async validate(serviceId: string, data: unknown, options: CallOptions = {}): Promise<RequestValidation> {
    return fromWire(
      await this.#run('registry.validate', options, (dialect) =>
        dialect.validateServiceRequest(serviceId, data, options),
      ),
    );
  }
}
