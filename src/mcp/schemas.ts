import { z } from 'zod';

// Pieces of the tools' schemas. What reaches a command line is narrow: no value begins with a dash.

/** An object of the chain. */
export const objectId = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/, 'an on-chain id: 0x and hex digits');

/** The name of something elsewhere: a task, a job. */
export const name = z.string().regex(/^[A-Za-z0-9][\w.:/-]{0,127}$/, 'letters, digits and . : / - _');

/** An age or a date. */
export const since = z.string().regex(/^\d[\dTZ:.hdmw-]{0,30}$/, 'an age such as 12h or 7d, or a date');

/** Decimal text: amounts exceed what JSON numbers hold. */
export const shannons = z
  .string()
  .regex(/^-?\d+$/)
  .describe('shannons as decimal text; 10^9 are one SOMA');

/** A record as the network or the journal has it: more fields than named here may come. */
export const record = z.looseObject({});
