import { QuarryError } from '../../errors/index.js';
import type { JsonObject } from './json.js';

/** Required fields, choices and defaults of a service. */
interface ServiceRule {
  readonly required: readonly string[];
  readonly choices?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly defaults: JsonObject;
}

/** The fields that decide whether and how a job runs. Source: AITBC `models/services.py`. */
const RULES: Readonly<Record<string, ServiceRule>> = {
  'whisper/transcribe': {
    required: ['audio_url'],
    choices: { task: ['transcribe', 'translate'] },
    defaults: { model: 'base', language: 'auto', task: 'transcribe', temperature: 0, best_of: 5, beam_size: 5 },
  },
  'stable-diffusion/generate': {
    required: ['prompt'],
    defaults: {
      model: 'stable-diffusion-1.5',
      size: '512x512',
      num_images: 1,
      num_inference_steps: 20,
      guidance_scale: 7.5,
    },
  },
  'llm/inference': {
    required: ['model', 'prompt'],
    choices: {
      model: [
        ...['llama-7b', 'llama-13b', 'llama-70b', 'mistral-7b', 'mixtral-8x7b'],
        ...['codellama-7b', 'codellama-13b', 'codellama-34b'],
      ],
    },
    defaults: { max_tokens: 256, temperature: 0.7, top_p: 0.9, top_k: 40, stream: false },
  },
  'ffmpeg/transcode': {
    required: ['input_url'],
    choices: { codec: ['h264', 'h265', 'vp9', 'av1'] },
    defaults: { output_format: 'mp4', codec: 'h264', preset: 'medium', crf: 23, audio_codec: 'aac' },
  },
  'blender/render': {
    required: ['blend_file_url'],
    choices: { engine: ['cycles', 'eevee', 'eevee-next'] },
    defaults: { engine: 'cycles', resolution_x: 1920, resolution_y: 1080, samples: 128, frame_start: 1, frame_end: 1 },
  },
};

/**
 * Fills in the defaults of a service request, as the coordinator stores it.
 *
 * @throws QuarryError `INVALID_ARGUMENT` for a field that is missing or not one of its choices
 */
export function acceptServiceRequest(service: string, request: JsonObject): JsonObject {
  const rule = RULES[service]!;
  const missing = rule.required.find((name) => typeof request[name] !== 'string' || request[name] === '');
  if (missing !== undefined) throw new QuarryError('INVALID_ARGUMENT', `${missing}: Field required`);
  for (const [name, choices] of Object.entries(rule.choices ?? {})) {
    const value = request[name];
    if (value !== undefined && !choices.includes(String(value))) {
      throw new QuarryError('INVALID_ARGUMENT', `${name}: Input should be one of ${choices.join(', ')}`);
    }
  }
  return { ...rule.defaults, ...request };
}
