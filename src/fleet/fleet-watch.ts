import type { FleetConnection } from './connection.js';
import { type FleetStatus, fleetStatus } from './status.js';

/** One status costs a request per scorer. */
const EVERY_MS = 5_000;
/** Age beyond which a status is no longer reported. */
const STALE_MS = 20_000;

/** Polls a fleet's status, so that serving metrics never waits for the NATS server. */
export class FleetWatch {
  readonly #fleet: FleetConnection;
  readonly #timer: NodeJS.Timeout;
  #latest: { readonly status: FleetStatus; readonly at: number } | undefined;
  #looking = false;

  /** @param everyMs poll interval */
  constructor(fleet: FleetConnection, everyMs = EVERY_MS) {
    this.#fleet = fleet;
    this.#timer = setInterval(() => void this.#look(), everyMs);
    this.#timer.unref();
  }

  /** The last status; undefined if the server has not answered recently. */
  get latest(): FleetStatus | undefined {
    const latest = this.#latest;
    return latest !== undefined && performance.now() - latest.at < STALE_MS ? latest.status : undefined;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      this.#latest = { status: await fleetStatus(this.#fleet), at: performance.now() };
    } catch {
      // The server is unreachable; the last status expires.
    } finally {
      this.#looking = false;
    }
  }
}
