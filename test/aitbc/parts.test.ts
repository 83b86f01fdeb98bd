import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseApiError } from '../../src/aitbc/error-body.js';
import {
  CATALOGUE,
  compareDecimals,
  findService,
  RateLimitError,
  ServerError,
  serviceSchema,
  toDecimalString,
  toWire,
  ValidationError,
  validateServiceRequest,
  walletFromPrivateKey,
  wireOf,
} from '../../src/aitbc/index.js';
import { completeServiceRequest } from '../../src/aitbc/services/complete-request.js';
import { liveServiceJob } from '../../src/aitbc/services/live-service-job.js';
import { normaliseTimestamp } from '../../src/aitbc/timestamp.js';
import { personalMessageHash } from '../../src/aitbc/wallet-login.js';
import { fromWire } from '../../src/aitbc/wire.js';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers,
  text: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('error bodies', () => {
  it.each([
    [
      'documented',
      answer(404, { error: { code: 'JOB_NOT_FOUND', message: 'gone', details: { request_id: 'r1' } } }),
      'JOB_NOT_FOUND',
      'gone',
    ],
    [
      'validation',
      answer(422, { error: { code: 'VALIDATION_ERROR', message: 'bad', details: [] }, request_id: 'r1' }),
      'VALIDATION_ERROR',
      'bad',
    ],
    [
      'unhandled',
      answer(500, { error: { type: 'internal_error', message: 'oops', status_code: 500 } }),
      'INTERNAL_ERROR',
      'oops',
    ],
    ['detail text', answer(409, { detail: 'job not cancelable' }), 'JOB_ALREADY_COMPLETED', 'job not cancelable'],
    [
      'detail list',
      answer(422, { detail: [{ loc: ['body', 'payload'], msg: 'Field required' }] }),
      'VALIDATION_ERROR',
      'body.payload: Field required',
    ],
    [
      'detail and code',
      answer(402, { detail: 'poor', error_code: 'INSUFFICIENT_BALANCE' }),
      'INSUFFICIENT_BALANCE',
      'poor',
    ],
    ['error text', answer(503, { error: 'Service unavailable' }), 'INTERNAL_ERROR', 'Service unavailable'],
    ['plain text', answer(500, 'Internal Server Error'), 'INTERNAL_ERROR', 'Internal Server Error'],
    ['HTML', answer(502, '<html>Bad gateway</html>'), 'INTERNAL_ERROR', 'the server gave no reason'],
    ['nothing', answer(401, ''), 'INVALID_API_KEY', 'the server gave no reason'],
    ['too early', answer(425, { detail: 'job not ready' }), 'JOB_NOT_READY', 'job not ready'],
    ['too large', answer(413, ''), 'PAYLOAD_TOO_LARGE', 'the server gave no reason'],
    ['forbidden', answer(403, { detail: 'Forbidden' }), 'FORBIDDEN', 'Forbidden'],
    ['gone', answer(410, ''), 'OFFER_NOT_AVAILABLE', 'the server gave no reason'],
  ])('%s', (_name, failed, apiCode, message) => {
    const error = parseApiError(failed, 'jobs.get', 'job');
    expect(error.apiCode).toBe(apiCode);
    expect(error.message).toContain(message);
    expect(error.status).toBe(failed.status);
  });

  it('keeps request ids, wherever they are', () => {
    const inBody = answer(500, { error: { code: 'INTERNAL_ERROR', message: 'x', details: { request_id: 'a' } } });
    expect(parseApiError(inBody, 'x', 'none').requestId).toBe('a');
    expect(parseApiError(answer(500, '', { 'x-request-id': 'b' }), 'x', 'none').requestId).toBe('b');
  });

  it('tells a missing route from a missing resource', () => {
    expect(parseApiError(answer(404, { detail: 'Not Found' }), 'x', 'job').routeMissing).toBe(true);
    expect(parseApiError(answer(405, { detail: 'Method Not Allowed' }), 'x', 'job').routeMissing).toBe(true);
    expect(parseApiError(answer(404, { detail: 'job not found' }), 'x', 'job').routeMissing).toBe(false);
  });

  it('reads how long to wait', () => {
    const now = (): number => 1_000_000;
    const wait = (headers: Record<string, string>) =>
      (parseApiError(answer(429, '', headers), 'x', 'none', [], now) as RateLimitError).retryAfter;
    expect(wait({ 'retry-after': '60' })).toBe(60_000);
    expect(wait({ 'x-ratelimit-reset': '1003' })).toBe(3_000);
    expect(wait({ 'retry-after': '99999' })).toBe(300_000);
    expect(wait({})).toBeUndefined();
    expect(parseApiError(answer(429, ''), 'x', 'none')).toBeInstanceOf(RateLimitError);
    expect(parseApiError(answer(503, ''), 'x', 'none')).toBeInstanceOf(ServerError);
    expect(parseApiError(answer(400, ''), 'jobs.create', 'job')).toBeInstanceOf(ValidationError);
    expect(parseApiError(answer(400, ''), 'jobs.create', 'job').apiCode).toBe('INVALID_JOB_TYPE');
  });
});

describe('amounts', () => {
  it('compares exactly', () => {
    expect(compareDecimals('0.1', '0.10')).toBe(0);
    expect(compareDecimals('0.30000000000000001', '0.3')).toBe(1);
    expect(compareDecimals('-1', '0.0000001')).toBe(-1);
    expect(compareDecimals('1e-7', '0.0000001')).toBe(0);
    for (const bad of ['', '.', 'x', '1e9999', '0x10']) expect(() => compareDecimals(bad, '1'), bad).toThrow(/decimal/);
  });

  it('writes numbers without exponents and leaves strings alone', () => {
    expect(toDecimalString(1e-7)).toBe('0.0000001');
    expect(toDecimalString(1e21)).toBe('1000000000000000000000');
    expect(toDecimalString('1500.50')).toBe('1500.50');
    expect(toDecimalString(-0.5)).toBe('-0.5');
  });
});

describe('timestamps', () => {
  it.each([
    ['2025-12-28T20:00:00.123456', '2025-12-28T20:00:00.123456Z'],
    ['2025-12-28T20:00:00+00:00Z', '2025-12-28T20:00:00Z'],
    ['2025-12-28T20:00:00Z', '2025-12-28T20:00:00Z'],
    ['2025-12-28 20:00:00', '2025-12-28T20:00:00Z'],
    ['2025-12-28T20:00:00+02:00', '2025-12-28T20:00:00+02:00'],
    ['soon', 'soon'],
  ])('%s', (given, expected) => {
    expect(normaliseTimestamp(given)).toBe(expected);
  });
});

describe('names', () => {
  it('converts documented names both ways and leaves free-form members alone', () => {
    const wire = { job_id: 'j', results: { snake_key: 1 }, future_field: { a_b: 1 } };
    const result = fromWire<Record<string, unknown>>(wire);
    expect(result).toEqual({ jobId: 'j', results: { snake_key: 1 }, futureField: { a_b: 1 } });
    expect(wireOf(result)).toBe(wire);
    expect(Object.keys(result)).toEqual(['jobId', 'results', 'futureField']);
    expect(toWire({ maxJobs: 1, max_cost: '1', gone: undefined })).toEqual({ max_jobs: 1, max_cost: '1' });
  });
});

describe('wallet', () => {
  it('knows the address of a key', () => {
    expect(walletFromPrivateKey(`0x${'00'.repeat(31)}01`).address).toBe('0x7e5f4552091a69125d5dfcb7b8c2659029395bdf');
  });

  it('signs the published personal-message example', async () => {
    // The example of web3.js's documentation for eth.accounts.sign.
    const wallet = walletFromPrivateKey('4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318');
    expect(Buffer.from(personalMessageHash('Some data')).toString('hex')).toBe(
      '1da44b586eb0729ff70a73c326926f6ed5a25f5b056e7f47fbc6e58d86871655',
    );
    expect(await wallet.signMessage('Some data')).toBe(
      '0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c',
    );
  });

  it('refuses what is not a key without showing it', () => {
    for (const bad of ['', 'xyz', '00'.repeat(32), 'ff'.repeat(32), '11'.repeat(31)]) {
      expect(() => walletFromPrivateKey(bad)).toThrow(/not a secp256k1 private key/);
    }
  });
});

describe('registry', () => {
  it('has the 28 services, and every schema is JSON Schema that its own defaults satisfy', () => {
    expect(CATALOGUE).toHaveLength(28);
    expect(new Set(CATALOGUE.map(({ id }) => id)).size).toBe(28);
    for (const definition of CATALOGUE) {
      const ajv = new Ajv({ strict: true, formats: { uri: true }, strictTypes: false });
      const schema = serviceSchema(definition) as { properties: Record<string, { default?: unknown }> };
      expect(ajv.validateSchema(schema), definition.id).toBe(true);
      for (const [name, property] of Object.entries(schema.properties)) {
        if (property.default !== undefined)
          expect(ajv.validate(property, property.default), `${definition.id}.${name}`).toBe(true);
      }
    }
  });

  it("validates with upstream's sentences", () => {
    const llm = findService('LLM_inference');
    const check = (data: unknown): readonly string[] => validateServiceRequest(llm, data).errors;
    expect(check({ model: 'llama-7b', prompt: 'Hello world', max_tokens: 256 })).toEqual([]);
    expect(check({})).toEqual(['Missing required parameter: model', 'Missing required parameter: prompt']);
    expect(check({ model: 'llama-7b', prompt: 'x', max_tokens: 1.5 })).toEqual([
      'Parameter max_tokens must be an integer',
    ]);
    expect(check({ model: 'llama-7b', prompt: 'x', max_tokens: true })).toEqual([
      'Parameter max_tokens must be an integer',
    ]);
    expect(check({ model: 'llama-7b', prompt: 'x', max_tokens: 0 })).toEqual(['Parameter max_tokens must be >= 1']);
    expect(check({ model: 'llama-7b', prompt: 'x', temperature: 3 })).toEqual(['Parameter temperature must be <= 2']);
    expect(check({ model: 'llama-7b', prompt: 'x', stream: 'yes' })).toEqual(['Parameter stream must be a boolean']);
    expect(check({ model: 'gpt', prompt: 'x' })[0]).toMatch(/^Parameter model must be one of: llama-7b, /);
    expect(check({ model: 'llama-7b', prompt: 'é'.repeat(10_000) })).toEqual([]);
    expect(check({ model: 'llama-7b', prompt: 'x'.repeat(10_001) })).toEqual([
      'Parameter prompt must be <= 10000 characters',
    ]);
    expect(check([])).toEqual(['Request data must be an object']);
    expect(validateServiceRequest(llm, { model: 'llama-7b', prompt: 'x', extra: 1 }).warnings).toEqual([
      'Unknown parameter: extra',
    ]);
  });

  it.each([
    ['^[a-z]+$', []],
    ['^[0-9]+$', ['Parameter prompt does not match ^[0-9]+$']],
    ['(a+)+$', ['Parameter prompt was not checked: the pattern (a+)+$ cannot be used']],
    ['(', ['Parameter prompt was not checked: the pattern ( cannot be used']],
  ])('checks the pattern %s within a bound of time', (pattern, warnings) => {
    const prompt = `${'a'.repeat(60)}${pattern === '(a+)+$' ? '!' : ''}`;
    const llm = findService('LLM_inference');
    const input_parameters = llm.input_parameters.map((each) => ({
      ...each,
      ...(each.name === 'prompt' && { validation: { pattern } }),
    }));
    const request = { model: 'llama-7b', prompt };
    expect(validateServiceRequest({ ...llm, input_parameters }, request)).toEqual({
      valid: true,
      errors: [],
      warnings,
    });
  });
});

describe('services', () => {
  it('fills in the defaults of the coordinator', () => {
    expect(completeServiceRequest('whisper/transcribe', { audio_url: 'u' })).toMatchObject({
      model: 'base',
      beam_size: 5,
      fp16: true,
      initial_prompt: null,
    });
    expect(completeServiceRequest('llm/inference', { model: 'llama-7b', prompt: 'x' })).toMatchObject({
      max_tokens: 256,
      top_k: 40,
    });
  });

  it.each([
    ['whisper/transcribe', {}, /audio_url/],
    ['whisper/transcribe', { audio_url: 'u', language: 'xx' }, /language .*auto, en/],
    ['llm/inference', { model: 'llama-7b', prompt: '' }, /prompt/],
    ['llm/inference', { model: 'llama-7b', prompt: 'x', max_tokens: 5000 }, /max_tokens must be <= 4096/],
    ['stable-diffusion/generate', { prompt: 'x', size: '1x1' }, /size/],
    ['ffmpeg/transcode', { input_url: 'u', resolution: 'big' }, /resolution/],
    ['blender/render', { blend_file_url: 'u', frame_start: 5, frame_end: 2 }, /frame_end/],
  ] as const)('%s refuses %j', (service, request, message) => {
    expect(() => completeServiceRequest(service, request)).toThrow(message);
  });

  it.each([
    [
      'whisper/transcribe',
      { audio_url: 'u', model: 'large-v3' },
      { models: ['whisper'], gpu: 'nvidia', min_vram_gb: 10 },
      900,
    ],
    ['stable-diffusion/generate', { prompt: 'x', model: 'sdxl-turbo' }, { min_vram_gb: 8, cuda: '11.8' }, 600],
    ['llm/inference', { model: 'mixtral-8x7b', prompt: 'x' }, { min_vram_gb: 48, models: ['llm'] }, 300],
    ['ffmpeg/transcode', { input_url: 'u' }, { gpu: 'nvidia', min_vram_gb: 4 }, 1800],
    ['ffmpeg/transcode', { input_url: 'u', codec: 'av1' }, { gpu: 'any' }, 1800],
    [
      'blender/render',
      { blend_file_url: 'u', resolution_x: 8192, resolution_y: 8192 },
      { gpu: 'nvidia', min_vram_gb: 81 },
      600,
    ],
    ['blender/render', { blend_file_url: 'u', engine: 'eevee', frame_end: 100 }, { gpu: 'any', min_vram_gb: 4 }, 3000],
  ] as const)('%s as a live job: %j', (service, request, constraints, ttl) => {
    const { job } = liveServiceJob(service, request);
    expect(job['constraints']).toMatchObject(constraints);
    expect(job['ttl_seconds']).toBe(ttl);
  });
});
