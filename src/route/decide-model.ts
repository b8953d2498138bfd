/** `with: auto`: which model a series gets, by what its headers say, how noisy it is, and how degraded. Pure. */
import { modalityOfClass } from '../dicom/uids.js';
import type { Reason } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import type { VendorMark } from '../rule.js';
import type { ModelChoice, ResolvedTask } from '../spool/records.js';
import { decideGate } from './decide-gate.js';
import type { GateRequest } from './decide-gate.js';
import type { SeriesFacts } from './series-facts.js';

/** The word for it in a rule. */
export const automatic = 'auto';

/** What was measured on a few slices of the series. */
export interface SeriesNoise {
  /** HU for CT, permille of the 99.5th percentile for others; null where it cannot be measured. */
  readonly noise: number | null;
  readonly grade: 'light' | 'moderate' | 'severe' | null;
}

/** Share of the noise to take away where the rule names none: what is hardly degraded is hardly touched. */
const strengthOf = { light: 0.25, moderate: null, severe: 0.55 } as const;

/** What the choice needs of a card. */
export type ChoosableCard = Pick<ModelCard, 'id' | 'modality' | 'intendedUse' | 'rank' | 'grid'>;

export interface Chosen<Card> {
  readonly card: Card;
  /** Null: the card's default. */
  readonly strength: number | null;
  /** Every model that was looked at, and why it was or was not taken. */
  readonly choice: readonly ModelChoice[];
  /** What the gate, which does not know the noise, must be told against the card; null: nothing. */
  readonly outside: Reason | null;
}

/** What the first image is; the gate refuses series that are of several. */
function modalityOf({ instances }: SeriesFacts): ReturnType<typeof modalityOfClass> {
  return modalityOfClass(instances[0]?.sopClassUid ?? '');
}

function outsideNoise({ intendedUse }: ChoosableCard, facts: SeriesFacts, noise: number | null): string | null {
  const modality = modalityOf(facts);
  const range = modality === null ? undefined : intendedUse.noise?.[modality];
  if (range === undefined || noise === null || (noise >= range.atLeast && noise <= range.atMost)) return null;
  return `noise ${noise.toFixed(1)} is not from ${range.atLeast} to ${range.atMost}`;
}

function refusalOf({ reasons }: ResolvedTask['gate']): string {
  return reasons.map(({ code, detail }) => (detail === '' ? code : `${code}: ${detail}`)).join('; ');
}

/**
 * Takes the first model by rank that the gate lets run and whose noise range holds. If none fits, the first of the series' modality
 * is taken all the same: its gate then says why the series is skipped.
 *
 * @returns null where no model has a rank
 */
export function decideModel<Card extends ChoosableCard>(
  facts: SeriesFacts,
  measured: SeriesNoise | null,
  cards: readonly Card[],
  request: GateRequest & { readonly strength: number | null },
  marks: readonly VendorMark[],
): Chosen<Card> | null {
  const ranked = cards
    .filter(({ rank }) => rank !== null)
    .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || (a.id < b.id ? -1 : 1));
  const strength = request.strength ?? (measured?.grade ? strengthOf[measured.grade] : null);
  const found = measured === null ? 'noise not measured' : describe(measured);
  const choice: ModelChoice[] = [];
  let taken: Card | null = null;
  for (const card of ranked) {
    const gate = decideGate(facts, card, request, marks);
    const why = gate.verdict === 'run' ? outsideNoise(card, facts, measured?.noise ?? null) : refusalOf(gate);
    const isTaken = why === null && taken === null;
    if (isTaken) taken = card;
    choice.push({
      model: card.id,
      taken: isTaken,
      why: why ?? (isTaken ? `fits (${found})` : 'fits too, later in rank'),
    });
  }
  if (taken !== null) return { card: taken, strength, choice, outside: null };
  const own = modalityOf(facts);
  const isOfModality = ({ modality }: Card): boolean => own !== null && modality.includes(own);
  const fallback = ranked.find(isOfModality) ?? ranked[0];
  if (fallback === undefined) return null;
  const detail = outsideNoise(fallback, facts, measured?.noise ?? null);
  return {
    card: fallback,
    strength,
    outside: detail === null ? null : { code: 'OUTSIDE_INTENDED_USE', detail },
    choice: choice.map((one) =>
      one.model === fallback.id ? { ...one, taken: true, why: `as none fits: ${one.why}` } : one,
    ),
  };
}

function describe({ noise, grade }: SeriesNoise): string {
  const level = noise === null ? 'noise not measurable' : `noise ${noise.toFixed(1)}`;
  return grade === null ? level : `${level}, degradation ${grade}`;
}
