import { canonicalJson } from '../dicom/canonical-json.js';
import { sha256Of } from '../dicom/uid.js';
import type { ModelCard } from '../inference/card.js';

/** The numbers of a card, besides its parameters and its grid, that pixels depend on. */
export type PixelNumbers = Pick<ModelCard, 'input' | 'noise' | 'mostBlend' | 'evenBlend' | 'fixedBlend'>;

/**
 * 16 hex digits that stand in a task's settings, and so in its UIDs, for the card's numbers: a site that changes how far a blend may go
 * and leaves the version as it is gets other pixels, so they get other UIDs. Texts, limits and intended use change no pixel.
 */
export function cardDigest({ input, noise, mostBlend, evenBlend, fixedBlend }: PixelNumbers): string {
  return sha256Of(canonicalJson({ input, noise, mostBlend, evenBlend, fixedBlend })).slice(0, 16);
}
