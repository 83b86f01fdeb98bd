import type { Wire } from '../wire.js';
import type { ParameterType, ServiceDefinition, ServiceParameter } from './service-definition.js';

const JSON_TYPES: Readonly<Record<ParameterType, string>> = {
  string: 'string',
  enum: 'string',
  file: 'string',
  integer: 'integer',
  float: 'number',
  boolean: 'boolean',
  array: 'array',
  object: 'object',
};

/**
 * The inputs of a service as JSON Schema. Unlike upstream's output (`float`, `enum` and `file` as types, string bounds
 * as numbers), this is valid JSON Schema.
 */
export function serviceSchema(definition: ServiceDefinition): Wire {
  return {
    type: 'object',
    properties: Object.fromEntries(
      definition.input_parameters.map((parameter) => [parameter.name, propertySchema(parameter)]),
    ),
    required: definition.input_parameters.filter((parameter) => parameter.required).map(({ name }) => name),
  };
}

function propertySchema(parameter: ServiceParameter): Wire {
  const isText = JSON_TYPES[parameter.type] === 'string';
  const { min_value: min, max_value: max } = parameter;
  return {
    type: JSON_TYPES[parameter.type],
    description: parameter.description,
    ...(parameter.type === 'file' && { format: 'uri' }),
    default: parameter.default,
    ...(min !== undefined && { [isText ? 'minLength' : 'minimum']: min }),
    ...(max !== undefined && { [isText ? 'maxLength' : 'maximum']: max }),
    enum: parameter.options,
    ...parameter.validation,
  };
}

/** Hardware requirements of a service, in the format of the requirements route. */
export function serviceRequirements(definition: ServiceDefinition): Wire {
  return {
    requirements: definition.requirements.map(({ component, min_value, recommended, unit }) => ({
      component,
      minimum: min_value,
      recommended: recommended ?? null,
      unit: unit ?? null,
    })),
  };
}
