import { QuarryError } from '../../errors/index.js';
import type { Wire } from '../wire.js';
import { AI_AND_MEDIA_SERVICES } from './catalogue-ai-media.js';
import { COMPUTE_SERVICES } from './catalogue-compute.js';
import { SERVICE_CATEGORIES, type ServiceDefinition } from './service-definition.js';

/** The 28 services of the registry, built in because no deployed coordinator serves its routes. */
export const CATALOGUE: readonly ServiceDefinition[] = [...AI_AND_MEDIA_SERVICES, ...COMPUTE_SERVICES];

/** @throws QuarryError `NOT_FOUND` when the catalogue has no such service */
export function findService(serviceId: string): ServiceDefinition {
  const found = CATALOGUE.find((definition) => definition.id === serviceId.toLowerCase());
  if (found !== undefined) return found;
  throw new QuarryError('NOT_FOUND', `no service ${serviceId} in the catalogue`, {
    hint: 'quarry aitbc registry list shows them all',
  });
}

/**
 * Filters services by category, and by `search` in name, description or tags, case-insensitive.
 *
 * @throws QuarryError `INVALID_ARGUMENT` for an unknown category
 */
export function searchCatalogue(catalogue: readonly ServiceDefinition[], query: Wire): readonly Wire[] {
  const { category, search } = query;
  if (category !== undefined && !(SERVICE_CATEGORIES as readonly unknown[]).includes(category)) {
    throw new QuarryError('INVALID_ARGUMENT', `no category ${String(category)}`, {
      hint: `one of: ${SERVICE_CATEGORIES.join(', ')}`,
    });
  }
  const needle = typeof search === 'string' ? search.toLowerCase() : '';
  return catalogue
    .filter((definition) => category === undefined || definition.category === category)
    .filter((definition) =>
      [definition.name, definition.description, ...definition.tags].some((words) =>
        words.toLowerCase().includes(needle),
      ),
    )
    .map((definition) => ({ ...definition }));
}
