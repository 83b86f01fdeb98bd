import { toDecimalString } from '../decimal.js';
import type { JobStatus } from '../models.js';
import { fromUnixSeconds, normaliseTimestamp } from '../timestamp.js';
import { isWire, type Wire } from '../wire.js';

/** Live job states to documented ones. Both spellings of "cancelled" occur; expired jobs count as failed. */
const STATUS_OF_STATE: Readonly<Record<string, JobStatus>> = {
  QUEUED: 'submitted',
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELED: 'cancelled',
  CANCELLED: 'cancelled',
  EXPIRED: 'failed',
};

/** Live state to filter by for a documented status. */
export const STATE_OF_STATUS: Readonly<Record<JobStatus, string>> = {
  submitted: 'QUEUED',
  running: 'RUNNING',
  completed: 'COMPLETED',
  failed: 'FAILED',
  cancelled: 'CANCELED',
};

/** Whether a documented status is final. */
export function isTerminal(status: string): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** Documented status of a live state; unknown states are lower-cased. */
export function statusOfState(state: unknown): string {
  const text = String(state ?? '').toUpperCase();
  return STATUS_OF_STATE[text] ?? text.toLowerCase();
}

/** Converts a live `JobView` to the documented job object, keeping live fields that have no documented name. */
export function jobFromView(view: Wire): Wire {
  const state = String(view['state'] ?? '').toUpperCase();
  const payload = view['payload'];
  const error = view['error'] ?? (state === 'EXPIRED' ? 'job expired' : undefined);
  return compact({
    job_id: view['job_id'],
    status: statusOfState(state),
    type: isWire(payload) ? payload['type'] : undefined,
    created_at: timestamp(view['requested_at']),
    estimated_completion: timestamp(view['expires_at']),
    miner_id: view['assigned_miner_id'],
    error,
    raw_state: state,
    payment_id: view['payment_id'],
    payment_status: view['payment_status'],
  });
}

/** Converts a live offer record to the documented offer. Prices become decimal strings. */
export function offerFromRecord(record: Wire): Wire {
  const attributes = isWire(record['attributes']) ? record['attributes'] : {};
  return compact({
    offer_id: record['id'],
    miner_id: record['provider'],
    job_type: attributes['job_type'],
    price: money(record['price']),
    reputation: attributes['reputation'],
    status: record['status'],
    capacity: record['capacity'],
    gpu_model: record['gpu_model'],
    gpu_memory_gb: record['gpu_memory_gb'],
    price_per_hour: money(record['price_per_hour']),
    region: record['region'],
    created_at: timestamp(record['created_at']),
    attributes: record['attributes'],
  });
}

/** Whether a live offer declares `jobType`. An offer that declares nothing does not match. */
export function offerServes(record: Wire, jobType: string): boolean {
  const attributes = isWire(record['attributes']) ? record['attributes'] : {};
  const models = attributes['supported_models'];
  return attributes['job_type'] === jobType || (Array.isArray(models) && models.includes(jobType));
}

/** Converts an amount to a decimal string; undefined if it is not one. */
export function money(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'string' ? toDecimalString(value) : undefined;
}

/** Converts text or Unix seconds to a timestamp in the documented form. */
export function timestamp(value: unknown): string | undefined {
  if (typeof value === 'string') return normaliseTimestamp(value);
  return typeof value === 'number' && Number.isFinite(value) ? fromUnixSeconds(value) : undefined;
}

/** Removes fields that are undefined or null. */
export function compact(object: Readonly<Record<string, unknown>>): Wire {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
}
