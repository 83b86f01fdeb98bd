import { parseJson } from '../../text/parse-json.js';
import { statusOfState } from '../dialects/live-mapping.js';
import { normaliseTimestamp } from '../timestamp.js';
import { isWire, type Wire } from '../wire.js';
import type { CoordinatorEvent } from './socket-types.js';

/** A frame from the coordinator: an event, a ping to answer, an error to report, or something to ignore. */
export type Frame =
  | { readonly kind: 'event'; readonly event: CoordinatorEvent }
  | { readonly kind: 'ping' }
  | { readonly kind: 'error'; readonly message: string };

/**
 * Parses a frame leniently: the documented `{type, data}`, upstream's `{type:"event", event, data}`, and a bare job
 * object. Anything else becomes a `message` event. Never throws.
 */
export function readFrame(text: string, nowIso: () => string): Frame {
  let frame: unknown;
  try {
    frame = parseJson(text);
  } catch {
    return { kind: 'event', event: { type: 'message', data: text, synthetic: false } };
  }
  if (!isWire(frame)) return { kind: 'event', event: { type: 'message', data: frame, synthetic: false } };
  if (frame['type'] === 'ping') return { kind: 'ping' };
  if (frame['type'] === 'error') return { kind: 'error', message: String(frame['message'] ?? 'unknown error') };
  const type = frame['type'] === 'event' ? frame['event'] : frame['type'];
  const data = isWire(frame['data']) ? frame['data'] : {};
  if (type === 'job_update') return { kind: 'event', event: jobUpdate(data, nowIso) ?? other(frame) };
  if (type === undefined) return { kind: 'event', event: jobUpdate(frame, nowIso) ?? other(frame) };
  if (type === 'marketplace_update') {
    return {
      kind: 'event',
      event: { type, timestamp: timeOf(data, nowIso), data: frame['data'], synthetic: false },
    };
  }
  if (type === 'receipt_created') {
    const jobId = data['job_id'];
    const receiptId = data['receipt_id'];
    return {
      kind: 'event',
      event: {
        type,
        ...(typeof jobId === 'string' && { jobId }),
        ...(typeof receiptId === 'string' && { receiptId }),
        timestamp: timeOf(data, nowIso),
        data: frame['data'],
        synthetic: false,
      },
    };
  }
  return { kind: 'event', event: other(frame) };
}

function other(frame: Wire): CoordinatorEvent {
  return { type: 'message', data: frame, synthetic: false };
}

function jobUpdate(data: Wire, nowIso: () => string): CoordinatorEvent | undefined {
  const jobId = data['job_id'];
  const state = data['status'] ?? data['state'];
  if (typeof jobId !== 'string' || typeof state !== 'string') return undefined;
  const minerId = data['miner_id'] ?? data['assigned_miner_id'];
  const progress = data['progress'];
  return {
    type: 'job_update',
    jobId,
    status: state === state.toUpperCase() ? statusOfState(state) : state,
    timestamp: timeOf(data, nowIso),
    ...(typeof progress === 'number' && { progress }),
    ...(typeof minerId === 'string' && { minerId }),
    synthetic: false,
  };
}

function timeOf(data: Wire, nowIso: () => string): string {
  const timestamp = data['timestamp'];
  return typeof timestamp === 'string' ? normaliseTimestamp(timestamp) : nowIso();
}
