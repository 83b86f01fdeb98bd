import { QuarryError } from '../../errors/index.js';
import { isJsonObject, type JsonObject } from './json.js';

interface Parameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'float' | 'enum';
  readonly required: boolean;
  readonly description: string;
  readonly options?: readonly string[] | undefined;
  readonly min_value?: number | undefined;
  readonly max_value?: number | undefined;
}

interface Service {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly description: string;
  readonly input_parameters: readonly Parameter[];
  readonly output_schema: JsonObject;
  readonly requirements: readonly JsonObject[];
  readonly pricing: readonly JsonObject[];
  readonly capabilities: readonly string[];
  readonly tags: readonly string[];
  readonly max_concurrent: number;
  readonly timeout_seconds: number;
}

/**
 * The registry of this coordinator. It differs from the clients' built-in catalogue, so that a listing shows its
 * source.
 */
const SERVICES: readonly Service[] = [
  {
    id: 'llm_inference',
    name: 'LLM Inference',
    category: 'ai_ml',
    description: 'Text generation on this coordinator',
    input_parameters: [
      { name: 'model', type: 'enum', required: true, description: 'Model', options: ['llama-7b', 'mistral-7b'] },
      { name: 'prompt', type: 'string', required: true, description: 'Text', min_value: 1, max_value: 10_000 },
      { name: 'max_tokens', type: 'integer', required: false, description: 'Length', min_value: 1, max_value: 4096 },
    ],
    output_schema: { text: 'string' },
    requirements: [{ component: 'vram', minimum: 8, recommended: 24, unit: 'GB' }],
    pricing: [{ tier: 'basic', model: 'per_token', unit_price: '0.001', currency: 'AITBC' }],
    capabilities: ['generate'],
    tags: ['llm', 'text'],
    max_concurrent: 2,
    timeout_seconds: 300,
  },
  {
    id: '3d_rendering',
    name: '3D Rendering',
    category: 'media_processing',
    description: 'Scenes and animations on this coordinator',
    input_parameters: [
      { name: 'scene_file', type: 'string', required: true, description: 'Scene' },
      { name: 'samples', type: 'integer', required: false, description: 'Samples', min_value: 1, max_value: 10_000 },
    ],
    output_schema: { image: 'string' },
    requirements: [{ component: 'gpu', minimum: 'nvidia', recommended: null, unit: null }],
    pricing: [{ tier: 'basic', model: 'per_frame', unit_price: '0.01', currency: 'AITBC' }],
    capabilities: ['render'],
    tags: ['render'],
    max_concurrent: 1,
    timeout_seconds: 3600,
  },
];

/** @throws QuarryError `NOT_FOUND` for an unknown service */
export function serviceOf(id: unknown): Service {
  const found = SERVICES.find((service) => service.id === id);
  if (found === undefined) throw new QuarryError('NOT_FOUND', `Service ${String(id)} not found`);
  return found;
}

/** Filters services by category, and by a word in their name, description or tags. */
export function searchServices(category: string | null, search: string | null): readonly Service[] {
  const word = (search ?? '').toLowerCase();
  return SERVICES.filter((service) => category === null || service.category === category).filter((service) =>
    [service.name, service.description, ...service.tags].join('\n').toLowerCase().includes(word),
  );
}

/** The inputs of a service as JSON Schema. */
export function schemaOf(service: Service): JsonObject {
  const types = { string: 'string', enum: 'string', integer: 'integer', float: 'number' } as const;
  return {
    type: 'object',
    properties: Object.fromEntries(
      service.input_parameters.map(({ name, type, description }) => [name, { type: types[type], description }]),
    ),
    required: service.input_parameters.filter(({ required }) => required).map(({ name }) => name),
  };
}

/** Validates a request against a service, with the messages of the deployed registry. */
export function checkRequest(service: Service, data: unknown): JsonObject {
  if (!isJsonObject(data)) return { valid: false, errors: ['Request data must be an object'], warnings: [] };
  const errors = service.input_parameters.flatMap((parameter) => {
    const value = data[parameter.name];
    if (value === undefined) return parameter.required ? [`Missing required parameter: ${parameter.name}`] : [];
    const size = typeof value === 'string' ? value.length : Number(value);
    const unit = typeof value === 'string' ? ' characters' : '';
    const { min_value: min = -Infinity, max_value: max = Infinity, options } = parameter;
    if (options?.includes(String(value)) === false)
      return [`Parameter ${parameter.name} must be one of: ${options.join(', ')}`];
    if (size < min) return [`Parameter ${parameter.name} must be >= ${min}${unit}`];
    return size > max ? [`Parameter ${parameter.name} must be <= ${max}${unit}`] : [];
  });
  return { valid: errors.length === 0, errors, warnings: [] };
}
