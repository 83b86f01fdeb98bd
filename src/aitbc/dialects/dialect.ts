import type { VerifyReceiptOptions } from '../receipts/index.js';
import type { Wire } from '../wire.js';

/**
 * API variants: `documented` as in the API documentation; `live-key` the deployed generation with API keys; `live-jwt`
 * the deployed generation with wallet login.
 */
export type DialectName = 'documented' | 'live-key' | 'live-jwt';

/** Options of every call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The five services, by the last part of their path. */
export type ServiceName =
  | 'whisper/transcribe'
  | 'stable-diffusion/generate'
  | 'llm/inference'
  | 'ffmpeg/transcode'
  | 'blender/render';

/**
 * Every documented operation, on documented wire objects. Live dialects translate in both directions, or throw
 * `UnsupportedOperationError` naming the closest alternative.
 */
export interface CoordinatorDialect {
  readonly name: DialectName;
  createJob(body: Wire, live: Wire, options: CallOptions): Promise<Wire>;
  getJob(jobId: string, options: CallOptions): Promise<Wire>;
  listJobs(query: Wire, options: CallOptions): Promise<Wire>;
  cancelJob(jobId: string, options: CallOptions): Promise<Wire>;
  getResults(jobId: string, options: CallOptions): Promise<Wire>;
  createOffer(body: Wire, options: CallOptions): Promise<Wire>;
  listOffers(query: Wire, options: CallOptions): Promise<Wire>;
  acceptOffer(offerId: string, body: Wire, options: CallOptions): Promise<Wire>;
  /** The receipt's exact JSON text. */
  getReceipt(jobId: string, options: CallOptions): Promise<string>;
  /** All receipts of a job, oldest first, as JSON texts. */
  getReceiptHistory(jobId: string, options: CallOptions): Promise<readonly string[]>;
  verifyReceipt(receipt: string, verify: VerifyReceiptOptions, options: CallOptions): Promise<Wire>;
  getMarketplaceStats(options: CallOptions): Promise<Wire>;
  getMinerStats(minerId: string, options: CallOptions): Promise<Wire>;
  getHealth(options: CallOptions): Promise<Wire>;
  submitService(service: ServiceName, body: Wire, options: CallOptions): Promise<Wire>;
  listServices(query: Wire, options: CallOptions): Promise<readonly Wire[]>;
  getService(serviceId: string, options: CallOptions): Promise<Wire>;
  getServiceSchema(serviceId: string, options: CallOptions): Promise<Wire>;
  getServiceRequirements(serviceId: string, options: CallOptions): Promise<Wire>;
  validateServiceRequest(serviceId: string, data: unknown, options: CallOptions): Promise<Wire>;
}
