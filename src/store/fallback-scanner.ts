import type { Hit, TargetMatrix } from '../engine/contract.js';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { RowScanner, RowSelection, SelectionScanOptions } from './row-scanner.js';

const RESTART = 'Check the driver and the device memory; a restart tries the GPU again.';

/**
 * Scans with a GPU until it fails, then with the CPU for good: a device that is lost or out of memory must not end a
 * miner. The scan that failed is repeated.
 */
export class FallbackScanner implements RowScanner {
  readonly #first: RowScanner;
  readonly #createSecond: () => RowScanner;
  readonly #onFallback: (failure: QuarryError) => void;
  #second: RowScanner | undefined;

  /** @param onFallback called once, with the failure of `first` */
  constructor(first: RowScanner, createSecond: () => RowScanner, onFallback: (failure: QuarryError) => void) {
    this.#first = first;
    this.#createSecond = createSecond;
    this.#onFallback = onFallback;
  }

  /** Name of the scanner in use. */
  get name(): string {
    return (this.#second ?? this.#first).name;
  }

  async scan(selection: RowSelection, targets: TargetMatrix, options: SelectionScanOptions): Promise<Hit[]> {
    if (this.#second === undefined) {
      try {
        return await this.#first.scan(selection, targets, options);
      } catch (error) {
        const failure = toQuarryError(error, 'scanning on the GPU');
        if (failure.code !== 'ENGINE_FAILED') throw error;
        this.#fallBack(failure);
      }
    }
    return this.#second!.scan(selection, targets, options);
  }

  #fallBack(failure: QuarryError): void {
    // Scans that ran at the same time fail together.
    if (this.#second !== undefined) return;
    this.#second = this.#createSecond();
    // The device frees its memory on close at the latest.
    this.#first.close().catch(() => {});
    const message = `the GPU failed, and the CPU scans from now on: ${failure.message}`;
    this.#onFallback(new QuarryError('ENGINE_FAILED', message, { hint: RESTART, cause: failure }));
  }

  release(paths: readonly string[]): void {
    (this.#second ?? this.#first).release(paths);
  }

  async close(): Promise<void> {
    if (this.#second === undefined) return this.#first.close();
    await this.#second.close();
  }
}
