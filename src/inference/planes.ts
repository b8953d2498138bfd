import type { ModelCard } from './card.js';

/** Planes of a network's input: the slice, its noise map, and its two neighbours where it sees them. */
export function planesOf({ slices }: Pick<NonNullable<ModelCard['input']>, 'slices'>): 2 | 4 {
  return slices === 3 ? 4 : 2;
}
