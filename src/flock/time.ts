const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Clock offsets below this are noise from the one-second `Date` header and the network, milliseconds. */
const CLOCK_TOLERANCE_MS = 2 * SECOND;

/**
 * Parses an ISO-8601 timestamp to milliseconds since the Unix epoch; undefined if malformed. Without a zone it is UTC:
 * the service writes `2025-03-26T16:22:01.791348`, which JavaScript would read as local time.
 */
export function parseUtc(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const trimmed = text.trim();
  if (!/^\d{4}-\d{2}-\d{2}/.test(trimmed)) return undefined;
  const dateOnly = trimmed.length === 10;
  const zoned = dateOnly || /(?:[zZ]|[+-]\d{2}:?\d{2})$/.test(trimmed);
  const ms = Date.parse(zoned ? trimmed : `${trimmed.replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `2025-04-23 23:59:59` in UTC. */
export function formatUtc(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** Time left as `27d 07h`, `05h 12m`, `09m 41s`; a past deadline as `closed 3d ago`. */
export function formatCountdown(msLeft: number): string {
  if (msLeft <= 0) {
    const ago = -msLeft;
    if (ago < MINUTE) return 'closed just now';
    if (ago < HOUR) return `closed ${Math.floor(ago / MINUTE)}m ago`;
    if (ago < DAY) return `closed ${Math.floor(ago / HOUR)}h ago`;
    return `closed ${Math.floor(ago / DAY)}d ago`;
  }
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (msLeft >= DAY) return `${Math.floor(msLeft / DAY)}d ${two((msLeft % DAY) / HOUR)}h`;
  if (msLeft >= HOUR) return `${two(msLeft / HOUR)}h ${two((msLeft % HOUR) / MINUTE)}m`;
  return `${two(msLeft / MINUTE)}m ${two((msLeft % MINUTE) / SECOND)}s`;
}

/** The service's clock, learned from `Date` headers, so that a wrong local clock does not shift deadlines. */
export class ServerClock {
  readonly #now: () => number;
  #offsetMs = 0;
  #known = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Learns from a response: the header's time minus the midpoint of the request. */
  observe(dateHeader: string | null | undefined, sentAtMs: number, receivedAtMs: number): void {
    if (dateHeader === null || dateHeader === undefined) return;
    const server = Date.parse(dateHeader);
    if (Number.isNaN(server)) return;
    const offset = server - (sentAtMs + receivedAtMs) / 2;
    this.#offsetMs = Math.abs(offset) > CLOCK_TOLERANCE_MS ? offset : 0;
    this.#known = true;
  }

  /** Server time minus local time in milliseconds; 0 if unknown or within two seconds. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Whether any response had a `Date` header. */
  get known(): boolean {
    return this.#known;
  }

  /** Current time in milliseconds, corrected to the service's clock. */
  now(): number {
    return this.#now() + this.#offsetMs;
  }
}
