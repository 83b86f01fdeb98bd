/** Closes what was opened, last first; called at the end, or when something after it cannot be opened. */
export type Closers = (() => Promise<void> | void)[];
