import { type QuarryError, toQuarryError } from '../../../errors/index.js';
import { StateService } from '../../../gen/soma/rpc/state_service_pb.js';
import { type Address, normaliseId } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { FULL_TARGET_MASK, type PartialTarget, partialTargetFrom, type Target, targetFrom } from '../decode/target.js';
import { maskWith, type ReadMask } from '../read-mask.js';
import { allPages } from './all-pages.js';
import { decodeTargets } from './decode-targets.js';
import { pageTokenFrom } from './list-owned-objects.js';

/**
 * Selects targets. `open`: of the current epoch; `expired`: open ones of past epochs; `claimable`: expired ones, and
 * filled ones whose audit window is over; `any`: all that exist.
 */
export type TargetFilter = 'open' | 'filled' | 'claimed' | 'expired' | 'claimable' | 'any';

export interface ListTargetsOptions extends CallOptions {
  /** Default `open`. */
  readonly status?: TargetFilter | undefined;
  /** Same as status `claimable`, and overrides `status`. */
  readonly claimable?: boolean | undefined;
  /** The generation epoch. */
  readonly epoch?: bigint | undefined;
  /** Excludes open and expired targets, which have no submitter. */
  readonly submitter?: Address | undefined;
  /** Targets per page, 1 to 1000. Default: the node's 100. */
  readonly limit?: number | undefined;
  /** Relative to Target; `id` is always included. Default: all fields. */
  readonly readMask?: ReadMask | undefined;
  /**
   * Called with each malformed target, which is left out, and with a list that does not end, which is cut off. If
   * absent, either is an error.
   */
  readonly onUnfit?: ((error: QuarryError) => void) | undefined;
  /** From the previous page; requires the same filters. */
  readonly pageToken?: Uint8Array | undefined;
}

/** A page of targets. */
export interface TargetPage<T = Target> {
  readonly targets: readonly T[];
  /** Absent at the end. A short page does not mean the end. */
  readonly nextPageToken: Uint8Array | undefined;
}

/** {@link ListTargetsOptions} with a mask; the result has only the fields in the mask. */
export type MaskedListTargetsOptions = ListTargetsOptions & { readonly readMask: ReadMask };

/**
 * Reads one page of targets, ordered by stored status, generation epoch and id.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the mask, status or page token is invalid
 * @throws QuarryError `NOT_FOUND` when the node has no indexes
 */
export async function listTargets(
  client: ClientContext,
  options: MaskedListTargetsOptions,
): Promise<TargetPage<PartialTarget>>;
export async function listTargets(client: ClientContext, options?: ListTargetsOptions): Promise<TargetPage>;
export async function listTargets(
  client: ClientContext,
  options: ListTargetsOptions = {},
): Promise<TargetPage<PartialTarget>> {
  const { readMask } = options;
  const status = options.claimable ? 'claimable' : (options.status ?? 'open');
  const answer = await client.transport.unaryWith(
    StateService.method.listTargets,
    {
      ...(status !== 'any' && { statusFilter: status }),
      epochFilter: options.epoch,
      ...(options.submitter !== undefined && { submitterFilter: normaliseId(options.submitter) }),
      pageSize: options.limit,
      pageToken: options.pageToken,
      readMask: { paths: readMask === undefined ? [...FULL_TARGET_MASK] : maskWith(readMask, ['id']) },
    },
    decodeTargets,
    controlOf(options),
  );
  const view = readMask === undefined ? targetFrom : partialTargetFrom;
  return {
    targets: answer.targets.flatMap(({ message, embedding }) => {
      try {
        return [view(message, embedding)];
      } catch (error) {
        if (options.onUnfit === undefined) throw error;
        options.onUnfit(toQuarryError(error, 'reading a target'));
        return [];
      }
    }),
    nextPageToken: pageTokenFrom(answer.nextPageToken),
  };
}

/** Far more than a network keeps open at once, but few enough to keep in memory. */
export const MAX_OPEN_TARGETS = 20_000;

/** Reads all matching targets. */
export function listAllTargets(
  client: ClientContext,
  options: Omit<MaskedListTargetsOptions, 'pageToken'>,
): AsyncGenerator<PartialTarget, void, void>;
export function listAllTargets(
  client: ClientContext,
  options?: Omit<ListTargetsOptions, 'pageToken'>,
): AsyncGenerator<Target, void, void>;
export function listAllTargets(
  client: ClientContext,
  options: Omit<ListTargetsOptions, 'pageToken'> = {},
): AsyncGenerator<PartialTarget, void, void> {
  const isOpen = (options.status ?? 'open') === 'open' && !options.claimable;
  const limits = { maxItems: isOpen ? MAX_OPEN_TARGETS : undefined, onEndless: options.onUnfit };
  return allPages(async (token) => {
    const page = await listTargets(client, { ...options, limit: options.limit ?? 1000, ...token });
    return { items: page.targets, next: page.nextPageToken };
  }, limits);
}

/** The first page of targets as an array. */
export async function getTargets(
  client: ClientContext,
  options: Omit<ListTargetsOptions, 'pageToken' | 'readMask'> = {},
): Promise<readonly Target[]> {
  return (await listTargets(client, options)).targets;
}
