/** The whole decision on a revision: rules, tasks fully resolved, the gate's word on each, who gets what, and what is held. Pure. */
import { canonicalJson } from '../dicom/canonical-json.js';
import { sha256Of } from '../dicom/uid.js';
import { LimpidError } from '../errors.js';
import type { Reason, ReasonCode } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import { cardDigest } from './card-digest.js';
import type { PixelNumbers } from './card-digest.js';
import type { CompiledRule, TaskRequest, VendorMark } from '../rule.js';
import { counted } from '../spool/counted.js';
import type { DecisionRecord, ModelChoice, Modality, Priority, ResolvedTask } from '../spool/records.js';
import { decideGate } from './decide-gate.js';
import { automatic, decideModel } from './decide-model.js';
import type { Chosen, SeriesNoise } from './decide-model.js';
import { decideRules } from './decide-rules.js';
import { valuesOf } from './series-facts.js';
import type { SeriesFacts } from './series-facts.js';

/** What routing needs of a model card. */
export type RouteCard = Pick<
  ModelCard,
  'id' | 'version' | 'sha256' | 'kind' | 'task' | 'modality' | 'parameters' | 'defaultStrength' | 'intendedUse'
> &
  PixelNumbers &
  Partial<Pick<ModelCard, 'grid' | 'rank'>>;

/** Whether derivation codes of limpid's own are written. */
export type DerivationCodes = 'limpid' | 'standard-only';

export interface RouteInput {
  readonly facts: SeriesFacts;
  readonly rules: readonly CompiledRule[];
  readonly marks: readonly VendorMark[];
  readonly cards: (id: string) => RouteCard | undefined;
  /** All of them, for rules that say `with: auto`. */
  readonly allCards?: () => readonly RouteCard[];
  /** What was measured of the series, where a rule says `with: auto`; null where nothing could be. */
  readonly measured?: SeriesNoise | null;
  /** Absent: limpid's own beside the standard's. */
  readonly codes?: DerivationCodes;
  /** Revisions of the series that were closed within the last hour, this one counted. */
  readonly revisionsWithinHour: number;
}

export type RouteDecision = Pick<DecisionRecord, 'modality' | 'priority' | 'rules' | 'tasks' | 'forward' | 'held'>;

/** More within an hour are held (REVISION_STORM). */
const mostRevisions = 5;
const priorities: readonly Priority[] = ['batch', 'routine', 'urgent'];

/** @throws LimpidError `MODEL_UNKNOWN`: a rule names a model that this node does not have; loading the configuration refuses that */
export function decideRoute(input: RouteInput): RouteDecision {
  const { facts, rules } = input;
  const { outcomes, matched } = decideRules(rules, facts);
  const urgent = Math.max(...matched.map(({ priority }) => priorities.indexOf(priority)), 0);
  return {
    modality: modalityOf(facts),
    priority: matched.length === 0 ? 'routine' : (priorities[urgent] ?? 'routine'),
    rules: outcomes.map(({ name, matched: isMatch, conditions }) => ({
      name,
      matched: isMatch,
      conditions: [...conditions],
    })),
    tasks: resolveTasks(matched, input),
    forward: [...new Set(matched.flatMap(({ forward }) => forward))],
    held: heldFor(input, matched),
  };
}

/** CT, MR, US, or other; a series whose instances disagree is `other`. */
export function modalityOf({ instances }: SeriesFacts): Modality {
  const found = new Set(instances.map((instance) => valuesOf(instance, 'Modality')[0]));
  const [only] = found;
  return found.size === 1 && (only === 'CT' || only === 'MR' || only === 'US') ? only : 'other';
}

function heldFor({ facts, revisionsWithinHour }: RouteInput, matched: readonly CompiledRule[]): Reason[] {
  const held: Reason[] = [];
  if (facts.variants > 0) held.push({ code: 'DUPLICATE_DIFFERS', detail: counted(facts.variants, 'instance') });
  if (revisionsWithinHour > mostRevisions) {
    held.push({ code: 'REVISION_STORM', detail: `${revisionsWithinHour} revisions` });
  }
  if (facts.swept > 0 && facts.instances.length === 0) held.push({ code: 'SOURCE_SWEPT', detail: 'all instances' });
  else if (matched.length === 0) held.push({ code: 'NO_RULE', detail: '' });
  return held;
}

const hasGrid = ({ grid }: Pick<RouteCard, 'grid'>): boolean => grid !== null && grid !== undefined;

/** @param asked null where the card's own holds */
const strengthOf = (card: Pick<RouteCard, 'grid' | 'defaultStrength'>, asked: number | null): number =>
  hasGrid(card) ? 0 : (asked ?? card.defaultStrength);

/** Everything configured that changes pixels (conformance: identity); its canonical form is hashed into the derived UIDs. */
export function settingsOf(
  card: Pick<RouteCard, 'task' | 'parameters' | 'grid' | keyof PixelNumbers>,
  strength: number,
  codes: DerivationCodes = 'limpid',
): ResolvedTask['settings'] {
  const parameters = Object.keys(card.parameters).length === 0 ? {} : { parameters: card.parameters };
  // Super-resolution has a grid in place of a strength.
  const how = hasGrid(card) ? { ...card.grid } : { strength };
  return { task: card.task, card: cardDigest(card), ...how, ...parameters, ...(codes === 'limpid' ? {} : { codes }) };
}

/** The tasks of all matching rules; equal ones are one task that goes to the peers of both rules. */
function resolveTasks(matched: readonly CompiledRule[], input: RouteInput): ResolvedTask[] {
  const wanted = new Map<string, Wanted>();
  for (const rule of matched) {
    for (const request of rule.enhance) {
      const { card, choice, outside, strength: chosen } = cardFor(request, input, rule.name);
      const strength = strengthOf(card, chosen);
      const settings = settingsOf(card, strength, input.codes);
      const settingsSha256 = sha256Of(canonicalJson(settings));
      const name = `${card.id}-${settingsSha256.slice(0, 8)}`;
      const before = wanted.get(name);
      wanted.set(name, {
        name,
        card,
        choice: before === undefined || before.choice.length === 0 ? choice : before.choice,
        outside: before?.outside ?? outside,
        strength,
        ofFallback: hasGrid(card) ? chosen : strength,
        settings,
        settingsSha256,
        rule: before?.rule ?? rule.name,
        request: before === undefined ? request : both(before.request, request),
        deliver: [...new Set([...(before?.deliver ?? []), ...rule.deliver])],
        late: before?.late === 'withdraw' ? 'withdraw' : rule.late,
      });
    }
  }
  return withFallbacks([...wanted.values()], input).map(({ card, request, choice, ...rest }, index) => ({
    name: rest.name,
    rule: rest.rule,
    slot: index + 1,
    model: { id: card.id, version: card.version, sha256: card.sha256, kind: card.kind },
    settings: rest.settings,
    settingsSha256: rest.settingsSha256,
    strength: rest.strength,
    ...(choice.length > 0 ? { choice: [...choice] } : {}),
    ...(rest.insteadOf === undefined ? {} : { insteadOf: rest.insteadOf }),
    lift: [...request.lift],
    gate: decideGate(input.facts, card, request, input.marks, rest.outside === null ? [] : [rest.outside]),
    deliver: rest.deliver,
    late: rest.late,
  }));
}

/** The model that a request names, or the one that is picked for it. */
function cardFor(
  request: TaskRequest,
  { facts, marks, cards, allCards, measured }: RouteInput,
  rule: string,
): Pick<Chosen<RouteCard>, 'card' | 'strength' | 'choice' | 'outside'> {
  if (request.model === automatic) {
    const ranked = (allCards?.() ?? []).map((card) => ({ ...card, rank: card.rank ?? null, grid: card.grid ?? null }));
    const chosen = decideModel(facts, measured ?? null, ranked, request, marks);
    if (chosen !== null) return chosen;
    throw new LimpidError('MODEL_UNKNOWN', `rule ${rule} says auto, and no model of this node has a rank`);
  }
  const card = cards(request.model);
  if (card === undefined) throw new LimpidError('MODEL_UNKNOWN', `rule ${rule} names ${request.model}`);
  return { card, strength: request.strength, choice: [], outside: null };
}

/** Whether one of the rules that match leaves the model to limpid. */
export function asksForChoice(rules: readonly CompiledRule[], facts: SeriesFacts): boolean {
  const isAutomatic = ({ enhance }: CompiledRule): boolean => enhance.some(({ model }) => model === automatic);
  return rules.some(isAutomatic) && decideRules(rules, facts).matched.some(isAutomatic);
}

/**
 * Tasks, each with its fallback behind it. Of two strengths of a model a fallback without one is a single task: it stands by for the
 * first of them, as whatever happens to a task is kept by its name.
 */
function withFallbacks(tasks: readonly Wanted[], input: RouteInput): Wanted[] {
  const names = new Set<string>();
  return tasks.flatMap((one) => {
    const fallbacks = fallbackOf(one, input).filter(({ name }) => !names.has(name));
    for (const { name } of fallbacks) names.add(name);
    return [one, ...fallbacks];
  });
}

/** The task that takes another's place when it fails; that it does stands in its settings, and so in its objects and UIDs. */
function fallbackOf(first: Wanted, { cards, codes }: RouteInput): Wanted[] {
  const id = first.request.fallback;
  if (id === undefined || id === first.card.id) return []; // `auto` may have taken it in the first place
  const card = cards(id);
  if (card === undefined) throw new LimpidError('MODEL_UNKNOWN', `rule ${first.rule} names ${id}`);
  const strength = strengthOf(card, first.ofFallback);
  const settings = { ...settingsOf(card, strength, codes), insteadOf: first.card.id };
  const settingsSha256 = sha256Of(canonicalJson(settings));
  const name = `${card.id}-${settingsSha256.slice(0, 8)}`;
  return [
    { ...first, name, card, choice: [], outside: null, strength, settings, settingsSha256, insteadOf: first.name },
  ];
}

interface Wanted {
  readonly name: string;
  readonly insteadOf?: string;
  readonly rule: string;
  readonly card: RouteCard;
  readonly request: TaskRequest;
  readonly choice: readonly ModelChoice[];
  readonly outside: Reason | null;
  readonly strength: number;
  /** The strength that its fallback takes over; null: the fallback's own. */
  readonly ofFallback: number | null;
  readonly settings: ResolvedTask['settings'];
  readonly settingsSha256: string;
  readonly deliver: string[];
  readonly late: ResolvedTask['late'];
}

/** One task for two requests: what both lift is lifted, the stricter count holds, and the fallback that the first of them names stands by. */
function both(a: TaskRequest, b: TaskRequest): TaskRequest {
  const lift: readonly ReasonCode[] = a.lift.filter((code) => b.lift.includes(code));
  return { ...b, ...a, lift, minimumSlices: Math.max(a.minimumSlices, b.minimumSlices) };
}
