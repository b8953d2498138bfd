// What a model sees where a scanner has marked pixels as padding.
import type { ModelCard } from '../inference/card.js';
import type { PrepareArgument } from './methods.js';

/** Filters that are drawn towards whatever lies around: padding would go into the image at its rim. Others weigh it by its likeness. */
const drawnAside: ReadonlySet<string> = new Set(['gaussian', 'median', 'tv', 'wavelet']);

export function paddingOf({ id, kind, grid }: Pick<ModelCard, 'id' | 'kind' | 'grid'>): PrepareArgument['padding'] {
  if (grid !== null) return 'continued';
  return kind === 'filter' && drawnAside.has(id) ? 'hidden' : 'kept';
}
