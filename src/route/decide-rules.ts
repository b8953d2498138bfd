// Which rules match a series, and how every condition came out.
import { decimalOf } from '../dicom/decimal.js';
import type { CompiledRule, Condition, Operand, Subject } from '../rule.js';
import { unmetWords } from '../spool/condition-words.js';
import type { ConditionOutcome } from '../spool/records.js';
import { sliceCount } from './series-facts.js';
import type { SeriesFacts } from './series-facts.js';

export interface RuleOutcome {
  readonly name: string;
  readonly matched: boolean;
  readonly conditions: readonly ConditionOutcome[];
}

export interface RulesDecision {
  /** The rules that were looked at, in order; the last one decided, unless none did. */
  readonly outcomes: readonly RuleOutcome[];
  /** Those that matched: one that decides, and before it those that say `continue: true`. */
  readonly matched: readonly CompiledRule[];
}

/** Looks at the rules in order until one matches that does not go on. */
export function decideRules(rules: readonly CompiledRule[], facts: SeriesFacts): RulesDecision {
  const outcomes: RuleOutcome[] = [];
  const matched: CompiledRule[] = [];
  const asked: Series['asked'] = new Map();
  for (const rule of rules) {
    const result = rule.when === null ? null : evaluateForSenders(rule.when, facts, asked);
    const isMatch = facts.instances.length > 0 && (result === null || result.outcome.holds);
    const { when } = rule;
    const conditions = result === null ? [] : when?.kind === 'all' ? (result.outcome.parts ?? []) : [result.outcome];
    outcomes.push({ name: rule.name, matched: isMatch, conditions });
    if (!isMatch) continue;
    matched.push(rule);
    if (!rule.goesOn) break;
  }
  return { outcomes, matched };
}

/** What a series says of one subject. */
interface Answer {
  /** The values that its instances have, each once. */
  readonly distinct: readonly (readonly string[])[];
  /** Which of them each instance has. */
  readonly ofInstance: readonly number[];
  /** How that reads. */
  readonly found: string;
}
/** A series and what it has been asked: thousands of rules ask thousands of images for the same few attributes. */
interface Series {
  readonly facts: SeriesFacts;
  readonly asked: Map<number | string, Answer>;
  /** Whom all of it is taken to come from; null: that is not known. */
  readonly sender: Sender | null;
}
type Sender = SeriesFacts['sources'][number];

/** For which instances a condition holds: for all or none, or told of each. */
type HoldsFor = boolean | readonly boolean[];
/** A condition over a series: for which instances it holds, and how that reads. */
interface Evaluated {
  readonly holdsFor: HoldsFor;
  readonly outcome: ConditionOutcome;
}
/** What it means that a condition holds for the series: `one` below `anyInstance`. */
type Quantity = 'every' | 'one';

/** Nobody knows which sender has brought which instance: a condition must hold as if each of them had brought all of them, `not` included. */
function evaluateForSenders(condition: Condition, facts: SeriesFacts, asked: Series['asked']): Evaluated {
  const [first = null, ...others] = differingSenders(condition, facts);
  let result = evaluate(condition, { facts, asked, sender: first }, 'every');
  for (const sender of others) {
    if (!result.outcome.holds) break;
    result = evaluate(condition, { facts, asked, sender }, 'every');
  }
  return result;
}

/** The senders of a series, one of those that come out alike wherever a condition asks for the sender. */
function differingSenders(condition: Condition, { sources }: SeriesFacts): readonly Sender[] {
  if (sources.length < 2) return sources;
  const tests = senderTests(condition);
  const differing = new Map<string, Sender>();
  for (const sender of sources) {
    const answers = tests.map(({ operand, word }) => holds(operand, wordsOf(sender, word)));
    const name = answers.join();
    if (!differing.has(name)) differing.set(name, sender);
  }
  return [...differing.values()];
}

const wordOf = { CallingAE: 'callingAe', CalledAE: 'calledAe', Peer: 'peer' } as const;
type SenderWord = (typeof wordOf)[keyof typeof wordOf];

/** The word of a sender that a subject stands for; null: it stands for something else. */
function senderWord(subject: Subject): SenderWord | null {
  if (subject.kind === 'attribute' || subject.name === 'SliceCount') return null;
  return subject.name === 'SpacingBetweenPositions' ? null : wordOf[subject.name];
}

const wordsOf = (sender: Sender | null, word: SenderWord): readonly string[] =>
  [sender?.[word] ?? ''].filter((value) => value !== '');

function senderTests(condition: Condition): readonly (Condition & { kind: 'test' } & { readonly word: SenderWord })[] {
  if (condition.kind === 'test') {
    const word = senderWord(condition.subject);
    return word === null ? [] : [{ ...condition, word }];
  }
  const parts = condition.kind === 'all' || condition.kind === 'any' ? condition.parts : [condition.part];
  return parts.flatMap(senderTests);
}

function evaluate(condition: Condition, series: Series, quantity: Quantity): Evaluated {
  if (condition.kind === 'test') return evaluateTest(condition, series, quantity);
  if (condition.kind === 'anyInstance') {
    const { outcome: inner } = evaluate(condition.part, series, 'one');
    return { holdsFor: inner.holds, outcome: { condition: 'anyInstance', holds: inner.holds, parts: [inner] } };
  }
  const { kind } = condition;
  const parts = (kind === 'not' ? [condition.part] : condition.parts).map((part) => evaluate(part, series, quantity));
  const holdsFor = joined(
    kind,
    parts.map((part) => part.holdsFor),
    series.facts.instances.length,
  );
  const outcomes = parts.map((part) => part.outcome);
  return { holdsFor, outcome: { condition: kind, holds: heldBy(holdsFor, series, quantity), parts: outcomes } };
}

function joined(kind: 'all' | 'any' | 'not', parts: readonly HoldsFor[], count: number): HoldsFor {
  const deciding = kind !== 'all'; // one part of this kind decides
  if (parts.includes(deciding)) return kind === 'any';
  const each = parts.filter((part) => typeof part !== 'boolean');
  if (each.length === 0) return kind !== 'any';
  return Array.from({ length: count }, (_, index) => {
    const isDecided = each.some((part) => part[index] === deciding);
    return isDecided === (kind === 'any');
  });
}

/** What of a condition does not hold, each with what was found; nothing: the condition holds for the series. */
export function unmetConditions(condition: Condition, facts: SeriesFacts): string[] {
  return unmetWords(evaluateForSenders(condition, facts, new Map()).outcome);
}

function heldBy(holdsFor: HoldsFor, { facts }: Series, quantity: Quantity): boolean {
  if (typeof holdsFor === 'boolean') return holdsFor && facts.instances.length > 0;
  return quantity === 'one' ? holdsFor.includes(true) : !holdsFor.includes(false);
}

function evaluateTest(
  { subject, operand, says }: Condition & { kind: 'test' },
  series: Series,
  quantity: Quantity,
): Evaluated {
  const { distinct, ofInstance, found } = answerOf(subject, series);
  const word = senderWord(subject);
  const answers = (word === null ? distinct : [wordsOf(series.sender, word)]).map((values) => holds(operand, values));
  const [first = false] = answers;
  const isAlike = answers.every((answer) => answer === first);
  const holdsFor = isAlike ? first : ofInstance.map((index) => answers[index] ?? false);
  return { holdsFor, outcome: { condition: says, holds: heldBy(holdsFor, series, quantity), found } };
}

function answerOf(subject: Subject, { facts, asked }: Series): Answer {
  const name = subject.kind === 'attribute' ? subject.tag : subject.name;
  let answer = asked.get(name);
  if (answer !== undefined) return answer;
  const perInstance = valuesOfSubject(subject, facts);
  const places = new Map<string, number>();
  const distinct: (readonly string[])[] = [];
  const ofInstance = perInstance.map((values) => {
    const text = `${values.length} ${values.join('\\')}`;
    let place = places.get(text);
    if (place !== undefined) return place;
    place = distinct.push(values) - 1;
    places.set(text, place);
    return place;
  });
  answer = { distinct, ofInstance, found: foundText(subject, perInstance) };
  asked.set(name, answer);
  return answer;
}

/** The subject's values at each instance; empty where it is missing. */
function valuesOfSubject(subject: Subject, facts: SeriesFacts): readonly (readonly string[])[] {
  if (subject.kind === 'attribute') return facts.instances.map(({ values }) => values.get(subject.tag) ?? []);
  const values = factValues(subject.name, facts);
  return facts.instances.map(() => values);
}

/** Of the senders, the words of all of them. */
function factValues(name: (Subject & { kind: 'fact' })['name'], facts: SeriesFacts): readonly string[] {
  if (name === 'SliceCount') return [String(sliceCount(facts))];
  if (name === 'SpacingBetweenPositions') {
    const spacing = facts.stack?.spacing ?? null;
    // To the micrometre: positions are written with that many decimals, and their differences with float noise.
    return spacing === null ? [] : [String(Math.round(spacing * 1000) / 1000)];
  }
  const values = facts.sources.map((source) => source[wordOf[name]]);
  return [...new Set(values)].filter((value) => value !== '');
}

/** Missing values make everything false but `exists: false`. */
function holds(operand: Operand, values: readonly string[]): boolean {
  if (operand.kind === 'exists') return operand.exists === values.length > 0;
  if (values.length === 0) return false;
  if (operand.kind === 'text') {
    return operand.pattern.test(values.join('\\')) || values.some((value) => operand.pattern.test(value));
  }
  const numbers = values.map((value) => yearsOf(value) ?? decimalOf(value));
  if (operand.kind === 'number') return numbers.some((value) => operand.oneOf.includes(value));
  const { operator, limit } = operand;
  return numbers.every((value) => {
    // NaN compares false with everything: what is no number is on no side of a limit.
    if (operator === 'atLeast') return value >= limit;
    if (operator === 'atMost') return value <= limit;
    return operator === 'above' ? value > limit : value < limit;
  });
}

const perYear: Readonly<Record<string, number>> = { D: 365.25, W: 365.25 / 7, M: 12, Y: 1 };

/** Years of an age string (VR AS, `045Y`), also of one without its zeros or in small letters: nothing else can be meant; null where the text is none. */
export function yearsOf(text: string): number | null {
  const parts = /^(\d{1,3})([DWMY])$/i.exec(text);
  const divisor = perYear[parts?.[2]?.toUpperCase() ?? ''];
  return parts === null || divisor === undefined ? null : Number(parts[1]) / divisor;
}

const longestFound = 80;
const mostFound = 4;

/**
 * What was found, shortened and on one line: distinct values with their counts. Of what can point at a patient only whether it is there. A
 * line end in a value would begin what looks like a line of limpid's own.
 */
function foundText(subject: Subject, perInstance: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>();
  for (const values of perInstance) {
    const hidden = subject.kind === 'attribute' && subject.identifying;
    const shown = values.length === 0 ? 'missing' : hidden ? 'present' : values.join('\\');
    counts.set(shown, (counts.get(shown) ?? 0) + 1);
  }
  const entries = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const total = perInstance.length;
  const parts = entries.slice(0, mostFound).map(([shown, count]) => {
    const short = (shown.length > longestFound ? `${shown.slice(0, longestFound)}...` : shown).replace(/\p{Cc}/gu, '?');
    return count === total ? short : `${short} (${count} of ${total})`;
  });
  const rest = entries.length - parts.length;
  return rest > 0 ? `${parts.join(', ')}, and ${rest} more` : parts.join(', ');
}
