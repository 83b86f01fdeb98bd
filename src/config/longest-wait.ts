/** The longest wait that is accepted, 23 days: Node's timers hold 2^31 - 1 milliseconds, and fire at once beyond that. */
export const LONGEST_WAIT_SECONDS = 2_000_000;
