import type { CallOptions, ServiceName } from '../dialects/dialect.js';
import type { SubmittedService } from '../models.js';
import { fromWire, toWire } from '../wire.js';
import type { Run } from './jobs.js';

type More = Readonly<Record<string, unknown>>;

/** Transcribes speech. */
export interface WhisperRequest extends More {
  readonly audioUrl: string;
  readonly model?: string | undefined;
  readonly language?: string | undefined;
  readonly task?: 'transcribe' | 'translate' | undefined;
}

/** Generates images from a prompt. */
export interface StableDiffusionRequest extends More {
  readonly prompt: string;
  readonly model?: string | undefined;
  readonly size?: string | undefined;
  readonly numImages?: number | undefined;
  readonly steps?: number | undefined;
}

/** Generates text with a language model. */
export interface LlmRequest extends More {
  readonly model: string;
  readonly prompt: string;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
}

/** Converts a video. */
export interface FfmpegRequest extends More {
  readonly inputUrl: string;
  readonly outputFormat?: string | undefined;
  readonly codec?: string | undefined;
  readonly resolution?: string | undefined;
}

/** Renders a scene. */
export interface BlenderRequest extends More {
  readonly blendFileUrl: string;
  readonly engine?: string | undefined;
  readonly resolutionX?: number | undefined;
  readonly resolutionY?: number | undefined;
  readonly samples?: number | undefined;
}

/** `client.services`: each call submits a job; get its results with `client.jobs`. */
export class ServicesNamespace {
  readonly #run: Run;
  readonly whisper = {
    transcribe: (request: WhisperRequest, options?: CallOptions) => this.submit('whisper/transcribe', request, options),
  };
  readonly stableDiffusion = {
    generate: (request: StableDiffusionRequest, options?: CallOptions) =>
      this.submit('stable-diffusion/generate', request, options),
  };
  readonly llm = {
    inference: (request: LlmRequest, options?: CallOptions) => this.submit('llm/inference', request, options),
  };
  readonly ffmpeg = {
    transcode: (request: FfmpegRequest, options?: CallOptions) => this.submit('ffmpeg/transcode', request, options),
  };
  readonly blender = {
    render: (request: BlenderRequest, options?: CallOptions) => this.submit('blender/render', request, options),
  };

  constructor(run: Run) {
    this.#run = run;
  }

  /** Submits a request to a service by its path. */
  async submit(service: ServiceName, request: object, options: CallOptions = {}): Promise<SubmittedService> {
    const body = toWire(request);
    return fromWire(
      await this.#run(`services.${service}`, options, (dialect) => dialect.submitService(service, body, options)),
    );
  }
}
