import { Ajv, type ErrorObject } from 'ajv';
import { QuarryError } from '../../errors/index.js';
import type { ServiceName } from '../dialects/dialect.js';
import type { Wire } from '../wire.js';
import { SERVICE_SCHEMAS } from './service-schemas.js';

/**
 * Fills in the coordinator's defaults of a service request and validates it like the coordinator.
 *
 * @throws QuarryError `INVALID_ARGUMENT` naming all invalid fields
 */
export function completeServiceRequest(service: ServiceName, request: Wire): Wire {
  const data = structuredClone(request) as Record<string, unknown>;
  // `steps` is documented; deployed servers read `num_inference_steps`. Send both.
  if (service === 'stable-diffusion/generate' && data['steps'] !== undefined) {
    data['num_inference_steps'] ??= data['steps'];
  }
  const ajv = new Ajv({ useDefaults: true, allErrors: true, strict: false });
  const validate = ajv.compile(SERVICE_SCHEMAS[service]);
  const errors = validate(data) ? [] : (validate.errors ?? []).map(sentence);
  if (service === 'blender/render' && errors.length === 0 && Number(data['frame_end']) < Number(data['frame_start'])) {
    errors.push('frame_end must be >= frame_start');
  }
  if (errors.length > 0) {
    throw new QuarryError('INVALID_ARGUMENT', `${service}: ${[...new Set(errors)].join('; ')}`);
  }
  return data;
}

function sentence(error: ErrorObject): string {
  const where = error.instancePath.slice(1);
  const allowed = error.keyword === 'enum' ? `: ${(error.params['allowedValues'] as string[]).join(', ')}` : '';
  return `${where === '' ? 'request' : where} ${error.message ?? 'is invalid'}${allowed}`;
}
