import type { ServiceName } from '../dialects/dialect.js';

const nullable = (schema: object): object => ({ anyOf: [schema, { type: 'null' }], default: null });
const integer = (minimum: number, maximum: number, byDefault: number): object => ({
  type: 'integer',
  minimum,
  maximum,
  default: byDefault,
});
const number = (minimum: number, maximum: number, byDefault: number): object => ({
  type: 'number',
  minimum,
  maximum,
  default: byDefault,
});
const words = (list: string, byDefault?: string): object => ({
  enum: list.split(' '),
  default: byDefault,
});
const flag = (byDefault: boolean): object => ({ type: 'boolean', default: byDefault });
const textList = { type: 'array', items: { type: 'string' } };

/**
 * JSON Schemas of requests to the five services, with the coordinator's defaults. Unknown fields are accepted, as the
 * server ignores them. Source: AITBC `models/services.py`.
 */
export const SERVICE_SCHEMAS: Readonly<Record<ServiceName, object>> = {
  'whisper/transcribe': {
    type: 'object',
    required: ['audio_url'],
    properties: {
      audio_url: { type: 'string', minLength: 1 },
      model: words('tiny base small medium large large-v2 large-v3', 'base'),
      language: words('auto en es fr de it pt ru ja ko zh', 'auto'),
      task: words('transcribe translate', 'transcribe'),
      temperature: number(0, 1, 0),
      best_of: integer(1, 10, 5),
      beam_size: integer(1, 10, 5),
      patience: number(0, 2, 1),
      suppress_tokens: nullable({ type: 'array', items: { type: 'integer' } }),
      initial_prompt: nullable({ type: 'string' }),
      condition_on_previous_text: flag(true),
      fp16: flag(true),
      verbose: flag(false),
    },
  },
  'stable-diffusion/generate': {
    type: 'object',
    required: ['prompt'],
    properties: {
      prompt: { type: 'string', minLength: 1, maxLength: 1000 },
      negative_prompt: nullable({ type: 'string', maxLength: 1000 }),
      model: words(
        'stable-diffusion-1.5 stable-diffusion-2.1 stable-diffusion-xl sdxl-turbo sdxl-refiner',
        'stable-diffusion-1.5',
      ),
      size: words('512x512 512x768 768x512 768x768 768x1024 1024x768 1024x1024 1024x1536 1536x1024', '512x512'),
      num_images: integer(1, 4, 1),
      num_inference_steps: integer(1, 100, 20),
      guidance_scale: number(1, 20, 7.5),
      seed: nullable({
        anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' }, maxItems: 4 }],
      }),
      scheduler: { type: 'string', default: 'DPMSolverMultistepScheduler' },
      enable_safety_checker: flag(true),
      lora: nullable({ type: 'string' }),
      lora_scale: number(0, 2, 1),
    },
  },
  'llm/inference': {
    type: 'object',
    required: ['model', 'prompt'],
    properties: {
      model: words('llama-7b llama-13b llama-70b mistral-7b mixtral-8x7b codellama-7b codellama-13b codellama-34b'),
      prompt: { type: 'string', minLength: 1, maxLength: 10_000 },
      max_tokens: integer(1, 4096, 256),
      temperature: number(0, 2, 0.7),
      top_p: number(0, 1, 0.9),
      top_k: integer(0, 100, 40),
      repetition_penalty: number(0, 2, 1.1),
      stop_sequences: nullable(textList),
      stream: flag(false),
    },
  },
  'ffmpeg/transcode': {
    type: 'object',
    required: ['input_url'],
    properties: {
      input_url: { type: 'string', minLength: 1 },
      output_format: { type: 'string', default: 'mp4' },
      codec: words('h264 h265 vp9 av1', 'h264'),
      resolution: nullable({ type: 'string', pattern: '^\\d+x\\d+$' }),
      preset: words('ultrafast superfast veryfast faster fast medium slow slower veryslow', 'medium'),
      crf: integer(0, 51, 23),
      bitrate: nullable({ type: 'string', pattern: '^\\d+[kM]?$' }),
      fps: nullable({ type: 'integer', minimum: 1, maximum: 120 }),
      audio_codec: { type: 'string', default: 'aac' },
      audio_bitrate: { type: 'string', default: '128k' },
      custom_args: nullable(textList),
    },
  },
  'blender/render': {
    type: 'object',
    required: ['blend_file_url'],
    properties: {
      blend_file_url: { type: 'string', minLength: 1 },
      engine: words('cycles eevee eevee-next', 'cycles'),
      resolution_x: integer(1, 65_536, 1920),
      resolution_y: integer(1, 65_536, 1080),
      samples: integer(1, 10_000, 128),
      format: words('png jpg exr bmp tiff', 'png'),
      resolution_percentage: integer(1, 100, 100),
      frame_start: integer(1, Number.MAX_SAFE_INTEGER, 1),
      frame_end: integer(1, Number.MAX_SAFE_INTEGER, 1),
      frame_step: integer(1, Number.MAX_SAFE_INTEGER, 1),
      denoise: flag(true),
      transparent: flag(false),
      custom_args: nullable(textList),
    },
  },
};
