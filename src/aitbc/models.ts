import type { WireShape } from './wire.js';

/** The documented job states. Live states are mapped to them; the original is in `rawState`. */
export type JobStatus = 'submitted' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A job request, as documented. Additional fields are passed through. */
export interface JobInput {
  /** A free label. */
  readonly name: string;
  /** For example `ai-inference`. */
  readonly type: string;
  readonly model?: {
    readonly type?: string | undefined;
    readonly entrypoint?: string | undefined;
    readonly requirements?: readonly string[] | undefined;
    readonly dependencies?: readonly string[] | undefined;
    readonly [member: string]: unknown;
  };
  readonly input?: Readonly<Record<string, unknown>> | undefined;
  readonly output?: Readonly<Record<string, unknown>> | undefined;
  /** Kubernetes-style quantities: `"1000m"`, `"2Gi"`, `"1"`. */
  readonly resources?: {
    readonly cpu?: string | undefined;
    readonly memory?: string | undefined;
    readonly gpu?: string | undefined;
  };
  /** Amounts are decimal strings. */
  readonly pricing?: { readonly maxCost?: string | undefined; readonly max_cost?: string | undefined };
  readonly [member: string]: unknown;
}

/** Job options of live coordinators. */
export interface LiveJobOptions {
  /** Which miners can take it: `gpu`, `cuda`, `min_vram_gb`, `models`, `region`, `max_price`… */
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
  /** Seconds until the job expires. The coordinator's default is 900. */
  readonly ttlSeconds?: number | undefined;
  /** Decimal string. Paid jobs are held in escrow. */
  readonly paymentAmount?: string | undefined;
  readonly paymentCurrency?: string | undefined;
  readonly buyerAddress?: string | undefined;
  readonly providerAddress?: string | undefined;
}

/** The coordinator's response to a new job. */
export interface CreatedJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly createdAt: string;
  readonly estimatedCompletion?: string | undefined;
  readonly rawState?: string | undefined;
}

/** State of a job. */
export interface Job {
  readonly jobId: string;
  readonly status: JobStatus;
  /** 0 to 100, if the coordinator reports it. */
  readonly progress?: number | undefined;
  readonly createdAt: string;
  readonly startedAt?: string | undefined;
  readonly estimatedCompletion?: string | undefined;
  readonly minerId?: string | undefined;
  /** The live state: `QUEUED`, `EXPIRED`… */
  readonly rawState?: string | undefined;
  readonly error?: string | undefined;
  readonly type?: string | undefined;
}

/** A job in a list. */
export interface JobSummary {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly type?: string | undefined;
  readonly createdAt: string;
  readonly rawState?: string | undefined;
}

/** One page of jobs. */
export interface JobPage {
  readonly jobs: readonly JobSummary[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

/** The jobs of a page as an array, with the page's fields. */
export type JobList = readonly JobSummary[] & Omit<JobPage, 'jobs'>;

/** Which jobs to list. */
export interface JobQuery {
  readonly status?: JobStatus | undefined;
  readonly type?: string | undefined;
  /** Default 50. */
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

/** A cancelled job. */
export interface CancelledJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly cancelledAt: string;
}

/** Results of a completed job. */
export interface JobResults {
  readonly jobId: string;
  readonly status: JobStatus;
  /** The miner's output; free form. */
  readonly results: Readonly<Record<string, unknown>>;
  readonly completedAt?: string | undefined;
}

/** Capacity to offer, as documented. Additional fields are passed through. */
export interface OfferInput {
  readonly jobType: string;
  /** Decimal string. */
  readonly price: string;
  readonly maxJobs?: number | undefined;
  readonly requirements?: { readonly minGpuMemory?: string | undefined; readonly minCpu?: string | undefined };
  /** Seconds. */
  readonly duration?: number | undefined;
  readonly [member: string]: unknown;
}

/** The marketplace's response to a new offer. */
export interface CreatedOffer {
  readonly offerId: string;
  readonly minerId?: string | undefined;
  readonly status: string;
  readonly createdAt?: string | undefined;
}

/** An offer of capacity. */
export interface Offer {
  readonly offerId: string;
  readonly minerId?: string | undefined;
  readonly jobType?: string | undefined;
  /** Decimal string. */
  readonly price: string;
  readonly reputation?: number | undefined;
}

/** Which offers to list. */
export interface OfferQuery {
  readonly jobType?: string | undefined;
  /** Decimal string. */
  readonly maxPrice?: string | undefined;
  /** Default 50. */
  readonly limit?: number | undefined;
}

/** The transaction started by taking an offer. */
export interface AcceptedOffer {
  readonly transactionId: string;
  readonly status: string;
  readonly createdAt?: string | undefined;
}

/** Fields unknown to a live coordinator are absent; `synthesized` names those computed by this client. */
export interface MarketplaceStats {
  readonly totalJobs?: number | undefined;
  readonly activeJobs?: number | undefined;
  readonly completedJobs?: number | undefined;
  readonly failedJobs?: number | undefined;
  /** Seconds. */
  readonly averageCompletionTime?: number | undefined;
  /** Decimal string. */
  readonly totalVolume?: string | undefined;
  readonly activeMiners?: number | undefined;
  readonly totalOffers?: number | undefined;
  readonly openCapacity?: number | undefined;
  /** Decimal string. */
  readonly averagePrice?: string | undefined;
  readonly activeBids?: number | undefined;
  readonly synthesized?: readonly string[] | undefined;
}

/** Statistics of a miner; `synthesized` names those computed by this client. */
export interface MinerStats {
  readonly minerId: string;
  readonly reputation?: number | undefined;
  readonly totalJobs?: number | undefined;
  /** 0 to 1. */
  readonly successRate?: number | undefined;
  /** Seconds. */
  readonly averageCompletionTime?: number | undefined;
  /** Decimal string. */
  readonly totalEarned?: string | undefined;
  readonly activeSince?: string | undefined;
  readonly synthesized?: readonly string[] | undefined;
}

/** Health reported by a coordinator. */
export interface Health {
  readonly status: string;
  readonly version?: string | undefined;
  readonly environment?: string | undefined;
  readonly timestamp?: string | undefined;
  readonly services?: Readonly<Record<string, string>> | undefined;
}

/** Documented response to a receipt check, also produced by local verification. */
export interface ReceiptCheck {
  readonly valid: boolean;
  readonly minerSignatureValid: boolean;
  /** Number of valid attestations. */
  readonly coordinatorAttestations: number;
  readonly verifiedAt: string;
}

/** The job created by a service request. */
export interface SubmittedService {
  readonly jobId: string;
  readonly serviceType: string;
  readonly status: string;
  readonly estimatedCompletion?: string | undefined;
}

/** Where documented objects are nested in requests and responses. */
export const SHAPES = {
  jobInput: { pricing: {} },
  jobPage: { jobs: {} },
  offerInput: { requirements: {} },
  offerPage: { offers: {} },
  flat: {},
} as const satisfies Record<string, WireShape>;
