/** Categories of the registry. */
export const SERVICE_CATEGORIES = [
  'ai_ml',
  'media_processing',
  'scientific_computing',
  'data_analytics',
  'gaming_entertainment',
  'development_tools',
] as const;

/** One of {@link SERVICE_CATEGORIES}. */
export type ServiceCategory = (typeof SERVICE_CATEGORIES)[number];

/** Types of service inputs, as named by the registry. */
export type ParameterType = 'string' | 'integer' | 'float' | 'boolean' | 'array' | 'object' | 'file' | 'enum';

/** One input of a service. Ranges of strings are lengths. */
export interface ServiceParameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly required: boolean;
  readonly description: string;
  readonly default?: unknown | undefined;
  readonly min_value?: number | undefined;
  readonly max_value?: number | undefined;
  readonly options?: readonly (string | number)[] | undefined;
  readonly validation?: Readonly<Record<string, unknown>> | undefined;
}

/** A hardware or software requirement of a service. */
export interface ServiceRequirement {
  readonly component: string;
  readonly min_value: string | number;
  readonly recommended?: string | number | undefined;
  readonly unit?: string | undefined;
}

/** A price tier of a service. */
export interface ServicePricing {
  readonly name: string;
  readonly model: 'per_unit' | 'per_hour' | 'per_gb' | 'per_frame' | 'fixed' | 'custom';
  /** Decimal string. */
  readonly unit_price: string;
  readonly min_charge?: string | undefined;
  readonly currency: string;
}

/** A service of the registry, as on the wire. */
export interface ServiceDefinition {
  readonly id: string;
  readonly name: string;
  readonly category: ServiceCategory;
  readonly description: string;
  readonly version: string;
  readonly input_parameters: readonly ServiceParameter[];
  readonly output_schema: Readonly<Record<string, unknown>>;
  readonly requirements: readonly ServiceRequirement[];
  readonly pricing: readonly ServicePricing[];
  readonly capabilities: readonly string[];
  readonly tags: readonly string[];
  readonly max_concurrent: number;
  readonly timeout_seconds: number;
}

type Extra = Partial<Pick<ServiceParameter, 'default' | 'min_value' | 'max_value' | 'options' | 'validation'>>;

/** Shorthand for a catalogue input: `"prompt*"` is required. `range` is `[min, max]`; either can be undefined. */
export function input(
  nameAndStar: string,
  type: ParameterType,
  extra: Extra & { readonly range?: readonly [number | undefined, number | undefined] } = {},
): ServiceParameter {
  const name = nameAndStar.replace(/\*$/, '');
  const { range, ...rest } = extra;
  return {
    name,
    type,
    required: nameAndStar.endsWith('*'),
    description: name.replaceAll('_', ' '),
    ...rest,
    ...(range?.[0] !== undefined && { min_value: range[0] }),
    ...(range?.[1] !== undefined && { max_value: range[1] }),
  };
}

/** An enum input from space-separated values. */
export function choice(nameAndStar: string, words: string, byDefault?: string): ServiceParameter {
  const options = words === '' ? {} : { options: words.split(' ') };
  return input(nameAndStar, 'enum', { ...options, default: byDefault });
}

/** An integer input with a range and a default. */
export function whole(nameAndStar: string, min?: number, max?: number, byDefault?: number): ServiceParameter {
  return input(nameAndStar, 'integer', { range: [min, max], default: byDefault });
}

/** An integer input with a list of allowed values. */
export function wholeOf(name: string, options: readonly number[], byDefault: number): ServiceParameter {
  return input(name, 'integer', { options, default: byDefault });
}

/** A number input with a range and a default. */
export function real(nameAndStar: string, min?: number, max?: number, byDefault?: number): ServiceParameter {
  return input(nameAndStar, 'float', { range: [min, max], default: byDefault });
}

/** A string input with length limits. */
export function text(nameAndStar: string, min?: number, max?: number, byDefault?: string): ServiceParameter {
  return input(nameAndStar, 'string', { range: [min, max], default: byDefault });
}

/** A boolean input with its default. */
export function flag(name: string, byDefault: boolean): ServiceParameter {
  return input(name, 'boolean', { default: byDefault });
}

/** A service definition with the registry's defaults filled in. */
export function service(
  id: string,
  category: ServiceCategory,
  description: string,
  parameters: readonly ServiceParameter[],
  rest: Partial<ServiceDefinition> = {},
): ServiceDefinition {
  const words = id.split('_');
  return {
    id,
    name: words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' '),
    category,
    description,
    version: '1.0.0',
    input_parameters: parameters,
    output_schema: {},
    requirements: [],
    pricing: [],
    capabilities: [],
    tags: words,
    max_concurrent: 1,
    timeout_seconds: 3600,
    ...rest,
  };
}
