/** Hosts submitted bytes so that anyone can download them until the audit window ends. */
export interface DataHost {
  readonly name: string;
  /**
   * Makes the bytes available under their checksum. Publishing the same bytes again is a no-op.
   *
   * @param checksum BLAKE2b-256 of `bytes`, 64 lowercase hex digits
   * @returns the public URL, normalised as the chain stores it
   */
  publish(checksum: string, bytes: Uint8Array, signal?: AbortSignal): Promise<string>;
  /** Like {@link publish}, for a file of any size, which is copied. */
  publishFile(checksum: string, path: string, signal?: AbortSignal): Promise<string>;
  /** Stops hosting the bytes. Ignores unknown checksums. */
  remove(checksum: string, signal?: AbortSignal): Promise<void>;
  /** Closes connections and files. Published data stays. */
  close(): Promise<void>;
}
