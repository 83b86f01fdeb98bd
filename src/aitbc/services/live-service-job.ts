import type { ServiceName } from '../dialects/dialect.js';
import type { Wire } from '../wire.js';
import { completeServiceRequest } from './complete-request.js';

const SERVICE_TYPES: Readonly<Record<ServiceName, string>> = {
  'whisper/transcribe': 'whisper',
  'stable-diffusion/generate': 'stable_diffusion',
  'llm/inference': 'llm_inference',
  'ffmpeg/transcode': 'ffmpeg',
  'blender/render': 'blender',
};

// Memory in GB by model, as required by the coordinator's own service routes. Source: AITBC `routers/services.py`.
const WHISPER_VRAM: Readonly<Record<string, number>> = { tiny: 1, base: 1, small: 2, medium: 5 };
const LLM_VRAM: Readonly<Record<string, number>> = {
  'llama-7b': 8,
  'mistral-7b': 8,
  'codellama-7b': 8,
  'llama-13b': 16,
  'codellama-13b': 16,
  'codellama-34b': 32,
  'mixtral-8x7b': 48,
  'llama-70b': 64,
};

/**
 * Converts a service request to the plain job that a live coordinator would make of it. Its own service routes store
 * that job and then fail.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the request is invalid
 */
export function liveServiceJob(
  service: ServiceName,
  request: Wire,
): { readonly serviceType: string; readonly job: Wire } {
  const full = completeServiceRequest(service, request);
  const serviceType = SERVICE_TYPES[service];
  const { constraints, ttlSeconds } = demand(service, full);
  return {
    serviceType,
    job: {
      payload: { service_type: serviceType, service_request: full },
      constraints,
      ttl_seconds: ttlSeconds,
    },
  };
}

function demand(service: ServiceName, request: Wire): { readonly constraints: Wire; readonly ttlSeconds: number } {
  const model = String(request['model']);
  switch (service) {
    case 'whisper/transcribe':
      return {
        constraints: { models: ['whisper'], gpu: 'nvidia', min_vram_gb: WHISPER_VRAM[model] ?? 10 },
        ttlSeconds: 900,
      };
    case 'stable-diffusion/generate': {
      const small = model === 'stable-diffusion-1.5' || model === 'stable-diffusion-2.1';
      return {
        constraints: { models: ['stable-diffusion'], gpu: 'nvidia', cuda: '11.8', min_vram_gb: small ? 4 : 8 },
        ttlSeconds: 600,
      };
    }
    case 'llm/inference':
      return {
        constraints: { models: ['llm'], gpu: 'nvidia', cuda: '11.8', min_vram_gb: LLM_VRAM[model] ?? 8 },
        ttlSeconds: 300,
      };
    case 'ffmpeg/transcode': {
      const hardware = request['codec'] === 'h264' || request['codec'] === 'h265';
      return {
        constraints: { models: ['ffmpeg'], ...(hardware ? { gpu: 'nvidia', min_vram_gb: 4 } : { gpu: 'any' }) },
        ttlSeconds: 1800,
      };
    }
    case 'blender/render': {
      const pixels = Number(request['resolution_x']) * Number(request['resolution_y']);
      const weight = request['engine'] === 'eevee' ? 1 : Number(request['samples']) / 100;
      const frames = Number(request['frame_end']) - Number(request['frame_start']) + 1;
      return {
        constraints: {
          models: ['blender'],
          gpu: request['engine'] === 'cycles' ? 'nvidia' : 'any',
          min_vram_gb: Math.max(4, Math.floor((pixels * weight) / 1_048_576)),
        },
        ttlSeconds: Math.max(600, frames * 30),
      };
    }
  }
}
