/** How a task ends whose images are all finished: enhanced, withheld by the limits of its card, or skipped for want of a change. */
import type { Reason } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import type { ResolvedTask } from '../spool/records.js';
import { brokenLimits, unmeasuredLimits } from './limits.js';
import type { EnhancedFigures } from './limits.js';
import type { Ending, Found } from './outcome.js';

export function endingOf(
  finished: readonly { readonly changed: boolean; readonly figures: EnhancedFigures }[],
  { strength }: Pick<ResolvedTask, 'strength'>,
  { found, limits, unit }: { found: Found; limits: ModelCard['limits']; unit: string },
): { readonly ending: Ending; readonly warnings: readonly Reason[] } {
  // Who asks for nothing to be taken away gets what was asked for.
  const unchanged = strength > 0 ? finished.filter(({ changed }) => !changed).length : 0;
  if (unchanged > 0 && unchanged === finished.length) return { ending: noChange(found), warnings: [] };
  const warnings: Reason[] =
    unchanged > 0 ? [{ code: 'NO_CHANGE', detail: `${unchanged} of ${finished.length} images` }] : [];
  const slices = finished.map(({ figures }) => figures);
  const broken = brokenLimits(slices, limits, unit);
  const open = unmeasuredLimits(slices, limits, unit);
  if (open.length > 0) warnings.push({ code: 'LIMITS_NOT_MEASURED', detail: open.join('; ') });
  if (broken.length === 0) return { ending: { outcome: 'enhanced', code: null, detail: '' }, warnings };
  return { ending: { outcome: 'withheld', code: 'WITHHELD', detail: broken.join('; ') }, warnings };
}

/** The result would be the source once more: it is not made. */
function noChange({ noise }: Found): Ending {
  const unit = noise.unit === 'HU' ? 'HU' : 'stored values';
  const detail = noise.before === null ? 'noise not measured' : `noise ${noise.before.toFixed(2)} ${unit}`;
  return { outcome: 'skipped', code: 'NO_CHANGE', detail };
}
