// The derived image's grid of pixels (conformance 3.4).
import type { PixelDescription } from '../dicom/pixel-description.js';
import type { DerivationPlan } from './plan.js';

/** How many new pixels there are to one of the source, along each axis; 1 on the source's own grid. */
export function scaleOf({ geometry }: DerivationPlan): number {
  return geometry?.scale ?? 1;
}

/** What the derived pixels are: the source's, on the plan's grid. */
export function derivedDescription(description: PixelDescription, plan: DerivationPlan): PixelDescription {
  const scale = scaleOf(plan);
  return { ...description, rows: description.rows * scale, columns: description.columns * scale };
}
