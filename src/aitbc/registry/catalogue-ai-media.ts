import {
  choice,
  flag,
  input,
  real,
  type ServiceDefinition,
  service,
  text,
  whole,
  wholeOf,
} from './service-definition.js';

const LLM_MODELS =
  'llama-7b llama-13b llama-70b mistral-7b mixtral-8x7b codellama-7b codellama-13b codellama-34b falcon-7b falcon-40b';
const SPEECH_MODELS =
  'whisper-tiny whisper-base whisper-small whisper-medium whisper-large whisper-large-v2 whisper-large-v3';
const LANGUAGES = 'auto en es fr de it pt ru ja ko zh ar hi';
const IMAGE_SIDES = [256, 512, 768, 1024, 1536, 2048];
const price = (name: string, unitPrice: string, minCharge?: string) =>
  ({
    name,
    model: 'per_unit',
    unit_price: unitPrice,
    currency: 'AITBC',
    min_charge: minCharge,
  }) as const;

/** The `ai_ml` and `media_processing` part of the catalogue. Source: AITBC `models/registry*.py`. */
export const AI_AND_MEDIA_SERVICES: readonly ServiceDefinition[] = [
  service(
    'llm_inference',
    'ai_ml',
    'Text generation with open language models',
    [
      choice('model*', LLM_MODELS),
      text('prompt*', 1, 10_000),
      whole('max_tokens', 1, 4096, 256),
      real('temperature', 0, 2, 0.7),
      flag('stream', false),
    ],
    {
      requirements: [
        { component: 'gpu', min_value: 'nvidia', recommended: 'rtx-4090' },
        { component: 'vram', min_value: 8, recommended: 24, unit: 'GB' },
        { component: 'cuda', min_value: '11.8' },
      ],
      pricing: [price('basic', '0.001', '0.01'), price('premium', '0.002', '0.01')],
      max_concurrent: 2,
      timeout_seconds: 300,
    },
  ),
  service(
    'image_generation',
    'ai_ml',
    'Images from text prompts',
    [
      choice(
        'model*',
        'stable-diffusion-1.5 stable-diffusion-2.1 stable-diffusion-xl sdxl-turbo dall-e-2 dall-e-3 midjourney-v5',
      ),
      text('prompt*', undefined, 1000),
      text('negative_prompt', undefined, 1000),
      wholeOf('width', IMAGE_SIDES, 512),
      wholeOf('height', IMAGE_SIDES, 512),
      whole('num_images', 1, 4, 1),
      whole('steps', 1, 100, 20),
    ],
    {
      requirements: [
        { component: 'gpu', min_value: 'nvidia' },
        { component: 'vram', min_value: 4, recommended: 16, unit: 'GB' },
        { component: 'cuda', min_value: '11.8' },
      ],
      pricing: [price('standard', '0.01'), price('hd', '0.02'), price('4k', '0.05')],
    },
  ),
  service('video_generation', 'ai_ml', 'Short videos from text prompts', [
    choice('model*', 'sora runway-gen2 pika-labs stable-video-diffusion make-a-video'),
    text('prompt*', undefined, 500),
    whole('duration_seconds', 1, 30, 4),
    wholeOf('fps', [12, 24, 30], 24),
    choice('resolution', '480p 720p 1080p 4k', '720p'),
  ]),
  service('speech_recognition', 'ai_ml', 'Transcription and translation of speech', [
    choice('model*', SPEECH_MODELS),
    input('audio_file*', 'file'),
    choice('language', LANGUAGES, 'auto'),
    choice('task', 'transcribe translate', 'transcribe'),
  ]),
  service('computer_vision', 'ai_ml', 'Detection, classification, segmentation and text in images', [
    choice('task*', 'object-detection classification face-recognition segmentation ocr'),
    choice('model*', 'yolo-v8 resnet-50 efficientnet vit face-net tesseract'),
    input('image*', 'file'),
    real('confidence_threshold', 0, 1, 0.5),
  ]),
  service('recommendation_system', 'ai_ml', 'Recommendations for one user', [
    choice('model_type*', 'collaborative content-based hybrid deep-learning'),
    text('user_id*'),
    input('item_data*', 'array'),
    whole('num_recommendations', 1, 100, 10),
  ]),
  service('video_transcoding', 'media_processing', 'Conversion of video files', [
    input('input_video*', 'file'),
    choice('output_format*', 'mp4 webm avi mov mkv flv'),
    choice('codec', 'h264 h265 vp9 av1 mpeg4', 'h264'),
    input('resolution', 'string', { validation: { pattern: '^\\d+x\\d+$' } }),
    input('bitrate', 'string', { validation: { pattern: '^\\d+[kM]?$' } }),
    whole('fps', 1, 120),
    flag('gpu_acceleration', true),
  ]),
  service('video_streaming', 'media_processing', 'Live streams in several formats', [
    text('stream_url*'),
    input('output_formats*', 'array', { default: ['720p', '1080p', '4k'] }),
    whole('duration_minutes', 1, 480, 60),
    choice('protocol', 'hls dash rtmp webrtc', 'hls'),
  ]),
  service('3d_rendering', 'media_processing', 'Rendering of scenes and animations', [
    choice('engine*', 'blender-cycles blender-eevee unreal-engine v-ray octane'),
    input('scene_file*', 'file'),
    whole('resolution_x', 1, 8192, 1920),
    whole('resolution_y', 1, 8192, 1080),
    whole('samples', 1, 10_000, 128),
    whole('frame_start', 1, undefined, 1),
    whole('frame_end', 1, undefined, 1),
    choice('output_format', 'png jpg exr bmp tiff hdr', 'png'),
  ]),
  service('image_processing', 'media_processing', 'Operations on batches of images', [
    input('images*', 'array'),
    input('operations*', 'array'),
    choice('output_format', 'jpg png webp avif tiff bmp', 'jpg'),
    whole('quality', 1, 100, 90),
    text('resize'),
  ]),
  service('audio_processing', 'media_processing', 'Operations on audio files', [
    input('audio_file*', 'file'),
    input('operations*', 'array'),
    choice('output_format', 'mp3 wav flac aac ogg m4a', 'mp3'),
    wholeOf('sample_rate', [22_050, 44_100, 48_000, 96_000, 192_000], 44_100),
    wholeOf('bitrate', [128, 192, 256, 320, 512, 1024], 320),
  ]),
];
