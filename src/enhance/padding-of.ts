// What a model sees where a scanner has marked pixels as padding.
import type { ModelCard } from '../inference/card.js';
import type { PrepareArgument } from './methods.js';

/** Filters that take means over their surroundings whatever lies there: padding would go into the image at its rim. */
const averaging: ReadonlySet<string> = new Set(['gaussian', 'wavelet']);

export function paddingOf({ id, kind, grid }: Pick<ModelCard, 'id' | 'kind' | 'grid'>): PrepareArgument['padding'] {
  if (grid !== null) return 'continued';
  return kind === 'filter' && averaging.has(id) ? 'hidden' : 'kept';
}
