import { stackOf } from '../dicom/geometry.js';
import type { AssemblyFacts } from '../spool/arrival.js';

/** Answers whether slice positions are missing: a step along the normal above 1.5 x the usual one. False where geometry is unknown. */
export function stackHasGaps(facts: readonly AssemblyFacts[]): boolean {
  const planes = facts.flatMap(({ position, orientation, thicknessMm }) =>
    position === null || orientation === null ? [] : [{ position, orientation, thicknessMm }],
  );
  if (planes.length < facts.length) return false;
  return (stackOf(planes)?.gaps ?? 0) > 0;
}
