/** Close functions, called in reverse order at the end or when a later step fails. */
export type Closers = (() => Promise<void> | void)[];
