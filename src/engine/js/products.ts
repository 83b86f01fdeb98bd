import type { Products } from '../reference/encoder.js';
import { attention } from './attention.js';
import { linear } from './linear.js';

/** What this engine computes in its own way; all else is the reference's. */
export const JS_PRODUCTS: Products = { linear, attention };
