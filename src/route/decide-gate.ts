/** The input gate (conformance: input gate): may this series go through this model? Checked once a revision and task, before any pixel is read. */
import { reasons as table } from '../errors.js';
import type { Reason, ReasonCode } from '../errors.js';
import type { VendorMark } from '../rule.js';
import type { ResolvedTask } from '../spool/records.js';
import { cardFaults } from './gate-card.js';
import type { GateCard } from './gate-card.js';
import { classFaults, contentFaults } from './gate-content.js';
import { geometryFaults } from './gate-geometry.js';
import { pixelFaults } from './gate-pixels.js';
import type { SeriesFacts } from './series-facts.js';

export interface GateRequest {
  readonly lift: readonly ReasonCode[];
  readonly minimumSlices: number;
}

const order = new Map(Object.keys(table).map((code, index) => [code, index]));

/** One reason a code and attribute, in the table's order. */
function tidy(found: readonly Reason[]): Reason[] {
  const kept = new Map<string, Reason>();
  for (const reason of found) {
    const name = reason.code === 'MISSING_ATTRIBUTE' ? `${reason.code}:${reason.detail}` : reason.code;
    if (!kept.has(name)) kept.set(name, reason);
  }
  return [...kept.values()].sort((a, b) => (order.get(a.code) ?? 0) - (order.get(b.code) ?? 0));
}

/**
 * Decides from the facts, and from what else is known against the card (`known`). Every reason is told, not the first only; but of objects that are no images of a class that limpid
 * enhances nothing more is asked. Codes that the request lifts, and may, become warnings.
 */
export function decideGate(
  facts: SeriesFacts,
  card: GateCard,
  request: GateRequest,
  marks: readonly VendorMark[],
  known: readonly Reason[] = [],
): ResolvedTask['gate'] {
  const ofClass = classFaults(facts);
  const isImage = !ofClass.some(({ code }) => code !== 'OWN_OUTPUT' && code !== 'SOURCE_SWEPT');
  const rest = isImage
    ? [
        ...contentFaults(facts, marks),
        ...geometryFaults(facts, Math.max(card.intendedUse.minimumSlices, request.minimumSlices)),
        ...pixelFaults(facts),
        ...cardFaults(facts, card),
        ...known,
      ]
    : [];
  const found = tidy([...ofClass, ...rest]);
  const isLifted = ({ code }: Reason): boolean => table[code].lift && request.lift.includes(code);
  const isWarning = ({ code }: Reason): boolean => table[code].verdict === 'warn';
  const reasons = found.filter((reason) => !isWarning(reason) && !isLifted(reason));
  const warnings = found.filter((reason) => isWarning(reason) || isLifted(reason));
  const skips = reasons.some(({ code }) => table[code].verdict === 'skip');
  return { verdict: reasons.length === 0 ? 'run' : skips ? 'skip' : 'hold', reasons, warnings };
}
