/**
 * Joined chunks get different rotary positions than alone, whose rounding moves the loss away from the mean of the chunks'
 * losses by up to this.
 */
export const JOINING_NOISE = 2e-5;
