import { z } from 'zod';

// Building blocks of the tools' schemas. Values that reach a command line are restricted: none begins with a dash.

/** Object id on chain. */
export const objectId = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/, 'an on-chain id: 0x and hex digits');

/** Identifier of a remote task or job. */
export const name = z.string().regex(/^[A-Za-z0-9][\w.:/-]{0,127}$/, 'letters, digits and . : / - _');

/** An age or a date. */
export const since = z.string().regex(/^\d[\dTZ:.hdmw-]{0,30}$/, 'an age such as 12h or 7d, or a date');

/** Amounts are decimal strings, as they exceed what JSON numbers hold exactly. */
export const shannons = z
  .string()
  .regex(/^-?\d+$/)
  .describe('shannons as decimal text; 10^9 are one SOMA');

/** A record from the network or the journal; may have more fields than declared here. */
export const record = z.looseObject({});
