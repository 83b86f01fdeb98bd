import type { CallOptions } from '../dialects/dialect.js';
import type { RequestValidation } from '../registry/validate-request.js';
import { fromWire, type Wire } from '../wire.js';
import type { Run } from './jobs.js';

/** Which services to list. */
export interface RegistryQuery {
  readonly category?: string | undefined;
  /** Substring of a name, description or tag, case-insensitive. */
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

  /** Hardware requirements of a service. */
  async requirements(serviceId: string, options: CallOptions = {}): Promise<Wire> {
    return this.#run('registry.requirements', options, (dialect) => dialect.getServiceRequirements(serviceId, options));
  }

  /** Validates a request against a service's schema, on the server if it supports that and locally otherwise. */
  async validate(serviceId: string, data: unknown, options: CallOptions = {}): Promise<RequestValidation> {
    return fromWire(
      await this.#run('registry.validate', options, (dialect) =>
        dialect.validateServiceRequest(serviceId, data, options),
      ),
    );
  }
}
