/** Where submitted bytes live so that anyone can fetch them until the audit window ends. */
export interface DataHost {
  readonly name: string;
  /**
   * Makes the bytes available under their checksum. Publishing the same bytes again is a no-op.
   *
   * @param checksum BLAKE2b-256 of `bytes`, 64 lowercase hex digits
   * @returns the public URL, normalised as the chain stores it
   */
  publish(checksum: string, bytes: Uint8Array, signal?: AbortSignal): Promise<string>;
  /** The same for a file of any size, which is copied. */
  publishFile(checksum: string, path: string, signal?: AbortSignal): Promise<string>;
  /** Stops offering the bytes. Unknown checksums are ignored. */
  remove(checksum: string, signal?: AbortSignal): Promise<void>;
  /** Lets go of connections and files. What was published stays. */
  close(): Promise<void>;
}
