import type { WireShape } from './wire.js';

/** The documented job states. Live states map onto them; the exact one is in `rawState`. */
export type JobStatus = 'submitted' | 'running' | 'completed' | 'failed' | 'cancelled';

/** What a job asks for, as documented. Members beyond these are sent along. */
export interface JobInput {
  /** A free label. */
  readonly name: string;
  /** For example `ai-inference`. */
  readonly type: string;
  readonly model?: {
    readonly type?: string;
    readonly entrypoint?: string;
    readonly requirements?: readonly string[];
    readonly dependencies?: readonly string[];
    readonly [member: string]: unknown;
  };
  readonly input?: Readonly<Record<string, unknown>>;
  readonly output?: Readonly<Record<string, unknown>>;
  /** Kubernetes-style quantities: `"1000m"`, `"2Gi"`, `"1"`. */
  readonly resources?: { readonly cpu?: string; readonly memory?: string; readonly gpu?: string };
  /** Amounts are decimal strings. */
  readonly pricing?: { readonly maxCost?: string; readonly max_cost?: string };
  readonly [member: string]: unknown;
}

/** What a live coordinator takes beside the job itself. */
export interface LiveJobOptions {
  /** Which miners may take it: `gpu`, `cuda`, `min_vram_gb`, `models`, `region`, `max_price`… */
  readonly constraints?: Readonly<Record<string, unknown>>;
  /** Seconds until the job expires. The coordinator's default is 900. */
  readonly ttlSeconds?: number;
  /** Decimal string. Paid jobs are held in escrow. */
  readonly paymentAmount?: string;
  readonly paymentCurrency?: string;
  readonly buyerAddress?: string;
  readonly providerAddress?: string;
}

/** The coordinator's answer to a new job. */
export interface CreatedJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly createdAt: string;
  readonly estimatedCompletion?: string;
  readonly rawState?: string;
}

/** The state of a job. */
export interface Job {
  readonly jobId: string;
  readonly status: JobStatus;
  /** 0 to 100, when the coordinator reports it. */
  readonly progress?: number;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly estimatedCompletion?: string;
  readonly minerId?: string;
  /** The live state: `QUEUED`, `EXPIRED`… */
  readonly rawState?: string;
  readonly error?: string;
  readonly type?: string;
}

/** A job as a list shows it. */
export interface JobSummary {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly type?: string;
  readonly createdAt: string;
  readonly rawState?: string;
}

/** One page of jobs. */
export interface JobPage {
  readonly jobs: readonly JobSummary[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

/** The jobs themselves, with the page they came from. */
export type JobList = readonly JobSummary[] & Omit<JobPage, 'jobs'>;

/** Which jobs to list. */
export interface JobQuery {
  readonly status?: JobStatus;
  readonly type?: string;
  /** Default 50. */
  readonly limit?: number;
  readonly offset?: number;
}

/** A job that was cancelled. */
export interface CancelledJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly cancelledAt: string;
}

/** What a completed job produced. */
export interface JobResults {
  readonly jobId: string;
  readonly status: JobStatus;
  /** What the miner produced; free form. */
  readonly results: Readonly<Record<string, unknown>>;
  readonly completedAt?: string;
}

/** Capacity to offer, as documented. Members beyond these are sent along. */
export interface OfferInput {
  readonly jobType: string;
  /** Decimal string. */
  readonly price: string;
  readonly maxJobs?: number;
  readonly requirements?: { readonly minGpuMemory?: string; readonly minCpu?: string };
  /** Seconds. */
  readonly duration?: number;
  readonly [member: string]: unknown;
}

/** The marketplace's answer to a new offer. */
export interface CreatedOffer {
  readonly offerId: string;
  readonly minerId?: string;
  readonly status: string;
  readonly createdAt?: string;
}

/** An offer of capacity. */
export interface Offer {
  readonly offerId: string;
  readonly minerId?: string;
  readonly jobType?: string;
  /** Decimal string. */
  readonly price: string;
  readonly reputation?: number;
}

/** Which offers to list. */
export interface OfferQuery {
  readonly jobType?: string;
  /** Decimal string. */
  readonly maxPrice?: string;
  /** Default 50. */
  readonly limit?: number;
}

/** The transaction that taking an offer started. */
export interface AcceptedOffer {
  readonly transactionId: string;
  readonly status: string;
  readonly createdAt?: string;
}

/** Members a live coordinator cannot tell are absent; `synthesized` names those computed by this client. */
export interface MarketplaceStats {
  readonly totalJobs?: number;
  readonly activeJobs?: number;
  readonly completedJobs?: number;
  readonly failedJobs?: number;
  /** Seconds. */
  readonly averageCompletionTime?: number;
  /** Decimal string. */
  readonly totalVolume?: string;
  readonly activeMiners?: number;
  readonly totalOffers?: number;
  readonly openCapacity?: number;
  /** Decimal string. */
  readonly averagePrice?: string;
  readonly activeBids?: number;
  readonly synthesized?: readonly string[];
}

/** Statistics of a miner; `synthesized` names those computed by this client. */
export interface MinerStats {
  readonly minerId: string;
  readonly reputation?: number;
  readonly totalJobs?: number;
  /** 0 to 1. */
  readonly successRate?: number;
  /** Seconds. */
  readonly averageCompletionTime?: number;
  /** Decimal string. */
  readonly totalEarned?: string;
  readonly activeSince?: string;
  readonly synthesized?: readonly string[];
}

/** What a coordinator says about itself. */
export interface Health {
  readonly status: string;
  readonly version?: string;
  readonly environment?: string;
  readonly timestamp?: string;
  readonly services?: Readonly<Record<string, string>>;
}

/** The document's answer to a receipt check, also produced by local verification. */
export interface ReceiptCheck {
  readonly valid: boolean;
  readonly minerSignatureValid: boolean;
  /** How many attestations hold. */
  readonly coordinatorAttestations: number;
  readonly verifiedAt: string;
}

/** The job that a service request became. */
export interface SubmittedService {
  readonly jobId: string;
  readonly serviceType: string;
  readonly status: string;
  readonly estimatedCompletion?: string;
}

/** Where documented requests and answers nest documented objects. */
export const SHAPES = {
  jobInput: { pricing: {} },
  jobPage: { jobs: {} },
  offerInput: { requirements: {} },
  offerPage: { offers: {} },
  flat: {},
} as const satisfies Record<string, WireShape>;
