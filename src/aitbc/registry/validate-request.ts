import { runInNewContext } from 'node:vm';
import { isWire } from '../wire.js';
import type { ServiceDefinition, ServiceParameter } from './service-definition.js';

/** Result of validating a request. */
export interface RequestValidation {
  readonly valid: boolean;
  readonly errors: readonly string[];
  /** Unknown inputs and patterns that do not match: upstream accepts both, so they are not errors. */
  readonly warnings: readonly string[];
}

/** Validates a request against a service, with the messages of upstream's registry. Ranges of text are lengths. */
export function validateServiceRequest(definition: ServiceDefinition, data: unknown): RequestValidation {
  if (!isWire(data)) return { valid: false, errors: ['Request data must be an object'], warnings: [] };
  const errors: string[] = [];
  const warnings: string[] = [];
  for (const parameter of definition.input_parameters) {
    const value = data[parameter.name];
    if (value === undefined || value === null) {
      if (parameter.required) errors.push(`Missing required parameter: ${parameter.name}`);
      continue;
    }
    const problem = typeProblem(parameter, value);
    if (problem !== undefined) errors.push(`Parameter ${parameter.name} must be ${problem}`);
    else for (const bound of boundProblems(parameter, value)) errors.push(bound);
    const pattern = parameter.validation?.['pattern'];
    if (typeof pattern !== 'string' || typeof value !== 'string') continue;
    const matches = matchesPattern(pattern, value);
    if (matches === true) continue;
    const what =
      matches === false ? `does not match ${pattern}` : `was not checked: the pattern ${pattern} cannot be used`;
    warnings.push(`Parameter ${parameter.name} ${what}`);
  }
  const known = new Set(definition.input_parameters.map(({ name }) => name));
  for (const name of Object.keys(data)) if (!known.has(name)) warnings.push(`Unknown parameter: ${name}`);
  return { valid: errors.length === 0, errors, warnings };
}

/** Time limit for a registry's regular expression, milliseconds: it may backtrack almost forever. */
const PATTERN_MS = 1_000;

/** Whether a text matches a pattern; `undefined` if the pattern is invalid or takes too long. */
function matchesPattern(pattern: string, text: string): boolean | undefined {
  try {
    return runInNewContext('new RegExp(pattern).test(text)', { pattern, text }, { timeout: PATTERN_MS }) === true;
  } catch {
    return undefined;
  }
}

/** Like upstream, does not check text, file and object inputs. */
function typeProblem(parameter: ServiceParameter, value: unknown): string | undefined {
  switch (parameter.type) {
    case 'integer':
      return Number.isInteger(value) ? undefined : 'an integer';
    case 'float':
      return typeof value === 'number' && Number.isFinite(value) ? undefined : 'a number';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'a boolean';
    case 'array':
      return Array.isArray(value) ? undefined : 'an array';
    default:
      return undefined;
  }
}

function boundProblems(parameter: ServiceParameter, value: unknown): string[] {
  const { name, min_value: min, max_value: max, options } = parameter;
  const problems: string[] = [];
  const isText = typeof value === 'string';
  const measure = typeof value === 'number' ? value : isText ? [...value].length : undefined;
  const unit = isText ? ' characters' : '';
  if (measure !== undefined) {
    if (min !== undefined && measure < min) problems.push(`Parameter ${name} must be >= ${min}${unit}`);
    if (max !== undefined && measure > max) problems.push(`Parameter ${name} must be <= ${max}${unit}`);
  }
  if (options !== undefined && !options.includes(value as string | number)) {
    problems.push(`Parameter ${name} must be one of: ${options.join(', ')}`);
  }
  return problems;
}
