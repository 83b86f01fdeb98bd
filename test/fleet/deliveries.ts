import type { NatsServer } from '../../bench/nats-server.js';
import { type FleetConnection, openFleet } from '../../src/fleet/index.js';

/** How often the server hands samples out, over the lives of all coordinators. */
export class Deliveries {
  readonly #most = new Map<string, number>();
  /** Of the server's disk, when it was fullest. */
  mostStoredBytes = 0;

  readonly #fleet: FleetConnection;
  readonly #timer: NodeJS.Timeout;

  private constructor(fleet: FleetConnection) {
    this.#fleet = fleet;
    this.#timer = setInterval(() => void this.#look().catch(() => {}), 250);
  }

  static async count(server: NatsServer): Promise<Deliveries> {
    return new Deliveries(await openFleet({ url: server.url, fleet: 'default', name: 'counter' }));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#fleet.close();
  }

  get total(): number {
    return [...this.#most.values()].reduce((sum, count) => sum + count, 0);
  }

  async #look(): Promise<void> {
    const { jsm, stream } = this.#fleet;
    this.mostStoredBytes = Math.max(this.mostStoredBytes, (await jsm.getAccountInfo()).storage);
    for await (const { name, created, delivered } of jsm.consumers.list(stream)) {
      this.#most.set(`${name} ${created}`, delivered.consumer_seq);
    }
  }
}
