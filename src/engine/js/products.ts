import type { Products } from '../reference/encoder.js';
import { attention } from './attention.js';
import { linear } from './linear.js';

/** The operations that this engine optimises; everything else is the reference's. */
export const JS_PRODUCTS: Products = { linear, attention };
