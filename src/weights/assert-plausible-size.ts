import { QuarryError } from '../errors/index.js';
import type { WeightsManifest } from './manifest.js';
import { elementsOf, type V1Shape, v1Tensors } from './v1-layout.js';

/** f64, the widest type that the network's loader accepts. */
const WIDEST_ELEMENT_BYTES = 8;
/** Generous: names, shapes and metadata of a few hundred tensors take kilobytes. */
const HEADER_ALLOWANCE_BYTES = 16 * 2 ** 20;

/**
 * Refuses weights that claim more bytes than a model of this shape can have, before they are downloaded: a manifest comes
 * from anyone who publishes a model.
 *
 * @throws QuarryError `WEIGHTS_INVALID`
 */
export function assertPlausibleSize({ sizeBytes }: Pick<WeightsManifest, 'sizeBytes'>, shape: V1Shape): void {
  const elements = v1Tensors(shape).reduce((sum, tensor) => sum + elementsOf(tensor), 0);
  const maxBytes = elements * WIDEST_ELEMENT_BYTES + HEADER_ALLOWANCE_BYTES;
  if (sizeBytes <= maxBytes) return;
  throw new QuarryError(
    'WEIGHTS_INVALID',
    `the weights claim ${sizeBytes} bytes, more than a model of this shape has`,
    {
      hint: 'they were not fetched',
      details: { sizeBytes, maxBytes },
    },
  );
}
