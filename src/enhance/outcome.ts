/** The outcome record of a task, from what its slices gave. */
import type { FailureCode, Reason, ReasonCode } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import type { DerivedInstance, Figure, OutcomeRecord } from '../spool/records.js';
import type { EnhancedFigures } from './limits.js';
import type { NoiseModality } from './noise.js';
import type { TaskOrder } from './order.js';
import { middleOf } from './strength.js';

/** What is known of a task's strength and noise; fields stay null as far as the task did not come. */
export interface Found {
  readonly effective: number | null;
  readonly reached: number | null;
  readonly blend: number | null;
  /** In the record's unit. */
  readonly noise: { readonly before: number | null; readonly after: number | null; readonly unit: 'HU' | 'STORED' };
}

export const nothingFound: Found = {
  effective: null,
  reached: null,
  blend: null,
  noise: { before: null, after: null, unit: 'STORED' },
};

export interface Ending {
  readonly outcome: 'enhanced' | 'skipped' | 'withheld' | 'failed';
  readonly code: ReasonCode | FailureCode | null;
  readonly detail: string;
}

export interface OutcomeParts {
  readonly order: TaskOrder;
  readonly ending: Ending;
  readonly found: Found;
  readonly instances: readonly DerivedInstance[];
  readonly seriesInstanceUid: string | null;
  readonly provider: string;
  readonly threads: number;
  readonly neighbours: OutcomeRecord['neighbours'];
  readonly warnings: readonly Reason[];
  readonly modelSeconds: number;
  readonly endedAtMs: number;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** A figure as a record keeps it. */
export function figure(before: number | null, after: number | null, unit: string): Figure {
  const known = (value: number | null): number | null =>
    value !== null && Number.isFinite(value) ? rounded(value, 4) : null;
  const [b, a] = [known(before), known(after)];
  return { measured: b !== null || a !== null, before: b, after: a, unit };
}

/** A share of what there was before: without the one after, nothing was measured. */
const ratio = (after: number | null): Figure => figure(after === null ? null : 1, after, '1');

/** Figures of the series: the middle of its slices; the largest for those that limits look at, with the card's. */
export function seriesFigures(
  slices: readonly EnhancedFigures[],
  found: Found,
  unit: string,
  limits: ModelCard['limits'],
): Record<string, Figure> {
  const values = (pick: (slice: EnhancedFigures) => number | null): number[] =>
    slices.map(pick).filter((value) => value !== null);
  const middle = (pick: (slice: EnhancedFigures) => number | null): number | null => {
    const list = values(pick);
    return list.length > 0 ? middleOf(list) : null;
  };
  const most = (pick: (slice: EnhancedFigures) => number | null): number | null => {
    const list = values(pick);
    return list.length > 0 ? list.reduce((a, b) => Math.max(a, b)) : null;
  };
  const largest = (pick: (slice: EnhancedFigures) => number | null, limit: number | null, of = '1'): Figure => ({
    ...figure(null, most(pick), of),
    limit,
  });
  return {
    noise: figure(found.noise.before, found.noise.after, found.noise.unit),
    noiseRatio: { ...ratio(middle((slice) => slice.noiseRatio)), limit: limits.noiseRatio },
    meanShift: largest((slice) => slice.meanShift && Math.abs(slice.meanShift), limits.meanShift, unit),
    confidence: figure(
      null,
      middle((slice) => slice.confidence),
      '1',
    ),
    residualStructure: largest((slice) => slice.residualStructure, limits.residualStructure),
    periodicPattern: largest((slice) => slice.periodic, limits.periodicPattern ?? null),
    smoothChange: largest((slice) => slice.smoothChange, limits.smoothChange),
    edgeRatio: ratio(middle((slice) => slice.edgeRatio)),
  };
}

export function unitOf(card: ModelCard, modality: NoiseModality): string {
  return card.noise[modality]?.unit ?? 'PERMILLE';
}

/** @param grade how degraded the series was and is; null where nothing was measured */
export function outcomeOf(
  parts: OutcomeParts,
  figures: Record<string, Figure>,
  grade: OutcomeRecord['grade'],
): OutcomeRecord {
  const { order, ending, found } = parts;
  const known = (value: number | null, digits: number): number | null => value && rounded(value, digits);
  return {
    version: 1,
    task: order.task.name,
    ...ending,
    startedAt: new Date(order.startedAtMs).toISOString(),
    endedAt: new Date(parts.endedAtMs).toISOString(),
    sameAs: null,
    seriesInstanceUid: parts.seriesInstanceUid,
    provider: parts.provider,
    threads: parts.threads,
    strength: {
      asked: order.task.strength,
      effective: known(found.effective, 4),
      reached: known(found.reached, 4),
      blend: found.blend,
    },
    noise: { before: known(found.noise.before, 3), after: known(found.noise.after, 3), unit: found.noise.unit },
    figures,
    grade,
    neighbours: parts.neighbours,
    warnings: [...parts.warnings],
    modelSeconds: rounded(parts.modelSeconds, 3),
    instances: [...parts.instances],
  };
}
