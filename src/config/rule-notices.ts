// Rules that are no fault and still match nothing: what they ask for does not come to this node, or an earlier rule takes it.
import type { CompiledRule, Condition } from '../rule.js';
import { modalities, modalityTag } from './modalities.js';
import type { Config } from './schema.js';
import { neverWritten } from './value-forms.js';

type Test = Extract<Condition, { kind: 'test' }>;
/** The values that a subject can have at this node, and what they are; null: any. */
function possible({ subject }: Test, { node, peers }: Config): { values: readonly string[]; are: string } | null {
  if (subject.kind === 'attribute') {
    return subject.tag === modalityTag ? { values: modalities, are: 'no modality of the standard; case counts' } : null;
  }
  const callers = Object.entries(peers).flatMap(([name, peer]) =>
    peer.kind === 'dicom' && peer.receive.store === 'allow' ? [{ name, aeTitle: peer.aeTitle }] : [],
  );
  const isOpen = node.unknownCallers === 'accept';
  const listed = (values: readonly string[]): string => (values.length === 0 ? 'none' : values.join(', '));
  if (subject.name === 'CalledAE') return { values: [node.aeTitle], are: `not this node, ${node.aeTitle}` };
  if (subject.name === 'Peer') {
    const values = callers.map(({ name }) => name);
    return { values: isOpen ? [...values, 'unknown'] : values, are: `no peer that may store here (${listed(values)})` };
  }
  if (subject.name !== 'CallingAE' || isOpen) return null;
  const values = callers.map(({ aeTitle }) => aeTitle);
  return { values, are: `no AE title of a peer that may store here (${listed(values)})` };
}

/** The conditions that must all hold. */
const conjuncts = (condition: Condition): readonly Condition[] =>
  condition.kind === 'all' ? condition.parts.flatMap(conjuncts) : [condition];

const isTest = (condition: Condition): condition is Test => condition.kind === 'test';
const subjectName = ({ subject }: Test): string | number => (subject.kind === 'attribute' ? subject.tag : subject.name);

/** Why the tests of one subject, which must all hold, never do; null: they may. */
function contradiction(tests: readonly Test[], config: Config): string | null {
  const words = tests.map(({ says }) => says).join(' and ');
  const [first] = tests;
  const known = first === undefined ? null : possible(first, config);
  const patterns = tests.flatMap(({ operand }) => (operand.kind === 'text' ? [operand.pattern] : []));
  if (
    known !== null &&
    patterns.length > 0 &&
    !known.values.some((value) => patterns.every((pattern) => pattern.test(value)))
  ) {
    const unknown = tests.find(
      ({ operand }) => operand.kind === 'text' && !known.values.some((value) => operand.pattern.test(value)),
    );
    return unknown === undefined ? `${words}: no value is both` : `${unknown.says}: that is ${known.are}`;
  }
  for (const { subject, operand, says } of tests) {
    const why = subject.kind === 'attribute' ? neverWritten(subject.tag, operand) : null;
    if (why !== null) return `${says}: ${why}`;
  }
  const bounds = tests.flatMap(({ operand }) => (operand.kind === 'compare' ? [operand] : []));
  const lower = bounds.filter(({ operator }) => operator === 'atLeast' || operator === 'above');
  const upper = bounds.filter(({ operator }) => operator === 'atMost' || operator === 'below');
  const apart = lower.some((low) =>
    upper.some(({ limit, operator }) => {
      const isStrict = low.operator === 'above' || operator === 'below';
      return low.limit > limit || (low.limit === limit && isStrict);
    }),
  );
  return apart ? `${words}: no number is both` : null;
}

/** Why a condition never holds at this node, as far as that can be told; null: it may hold. */
function never(condition: Condition, config: Config): string | null {
  if (condition.kind === 'not') return null;
  if (condition.kind === 'anyInstance') return never(condition.part, config);
  if (condition.kind === 'any') {
    const reasons = condition.parts.map((part) => never(part, config));
    return reasons.every((reason) => reason !== null) ? (reasons[0] ?? null) : null;
  }
  const parts = conjuncts(condition);
  const tests = parts.filter(isTest);
  const names = [...new Set(tests.map(subjectName))];
  const reasons = names.map((name) =>
    contradiction(
      tests.filter((test) => subjectName(test) === name),
      config,
    ),
  );
  reasons.push(...parts.filter((part) => !isTest(part)).map((part) => never(part, config)));
  return reasons.find((reason) => reason !== null) ?? null;
}

/** A condition as text, equal for equal conditions; null where its words are shortened. */
function textOf(condition: Condition): string | null {
  if (condition.kind === 'test') return condition.says.includes('...') ? null : condition.says;
  const parts = (condition.kind === 'all' || condition.kind === 'any' ? condition.parts : [condition.part]).map(textOf);
  return parts.includes(null) ? null : `${condition.kind}(${parts.join(';')})`;
}

/** Whether what passes `own` always passes `other`, a test of the same subject; a list or a limit each. */
function implies({ operand: own }: Test, { operand: other }: Test): boolean {
  if (own.kind === 'compare' && other.kind === 'compare') {
    const isUpper = ({ operator }: typeof own): boolean => operator === 'atMost' || operator === 'below';
    const isStrict = ({ operator }: typeof own): boolean => operator === 'above' || operator === 'below';
    if (isUpper(own) !== isUpper(other)) return false;
    if (own.limit === other.limit) return isStrict(own) || !isStrict(other);
    return isUpper(own) === own.limit < other.limit;
  }
  if (own.kind === 'number' && other.kind === 'number') return own.oneOf.every((one) => other.oneOf.includes(one));
  if (own.kind !== 'text' || own.of === undefined || !('values' in own.of)) return false;
  return other.kind === 'text' && own.of.values.every((value) => other.pattern.test(value));
}

/** Where tests that may be weaker than another one of the same subject are looked for: limits by their subject, lists by each of their values. */
function places(test: Test): string[] {
  const { operand } = test;
  const [name, kind] = [String(subjectName(test)), operand.kind];
  if (operand.kind === 'compare') return [JSON.stringify([name, kind])];
  if (operand.kind === 'number') return operand.oneOf.map((value) => JSON.stringify([name, kind, value]));
  if (operand.kind !== 'text' || operand.of === undefined || !('values' in operand.of)) return [];
  return operand.of.values.map((value) => JSON.stringify([name, kind, value]));
}

/** Of more tests at one place only equal ones are found: each would be compared with each. */
const mostNear = 300;

/** Of each test as text, the others that hold wherever it does: `Modality in [CT, MR]` of `Modality equals CT`. */
function weakerTests(conditions: readonly Condition[]): (text: string | null) => readonly string[] {
  const tests = new Map<string, Test>();
  for (const condition of conditions) {
    const text = textOf(condition);
    if (text !== null && isTest(condition)) tests.set(text, condition);
  }
  const placed = new Map<string, [string, Test][]>();
  for (const [text, test] of tests) {
    for (const place of places(test)) {
      const others = placed.get(place);
      if (others === undefined) placed.set(place, [[text, test]]);
      else others.push([text, test]);
    }
  }
  return (text) => {
    const test = text === null ? undefined : tests.get(text);
    if (test === undefined) return [];
    // A list that holds all of this one's values holds the first of them.
    const near = placed.get(places(test)[0] ?? '') ?? [];
    if (near.length > mostNear) return [];
    return near.flatMap(([other, its]) => (implies(test, its) ? [other] : []));
  };
}

/** What a rule asks for, each condition as text; null in it: one whose words are shortened. */
type Asked = ReadonlySet<string | null>;

/** Rules that are left nothing, each with the first rule before it whose conditions are all among its own, or hold wherever one of these does. */
function coveredRules(rules: readonly CompiledRule[]): ReadonlyMap<CompiledRule, CompiledRule> {
  const asked = rules.map(({ when }): Asked => new Set(when === null ? [] : conjuncts(when).map(textOf)));
  const weaker = weakerTests(rules.flatMap(({ when }) => (when === null ? [] : conjuncts(when))));
  const counts = new Map<string | null, number>();
  for (const texts of asked) for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  // A rule waits under its rarest condition: of thousands that all ask for CT hardly any two are compared.
  const waiting = new Map<string | null, { readonly index: number; readonly texts: Asked }[]>();
  const covered = new Map<CompiledRule, CompiledRule>();
  for (const [index, rule] of rules.entries()) {
    const own: Asked = asked[index] ?? new Set();
    const holding = new Set([...own].flatMap((text) => [text, ...weaker(text)]));
    const covering = [...holding]
      .flatMap((text) => waiting.get(text) ?? [])
      .filter(({ texts }) => [...texts].every((text) => holding.has(text)));
    const first = rules[Math.min(...covering.map((earlier) => earlier.index))];
    if (first !== undefined) covered.set(rule, first);
    // What a covered rule would cover its own coverer covers.
    if (rule.goesOn || own.size === 0 || own.has(null) || first !== undefined) continue;
    const rarest = [...own].reduce((a, b) => ((counts.get(b) ?? 0) < (counts.get(a) ?? 0) ? b : a));
    const others = waiting.get(rarest);
    if (others === undefined) waiting.set(rarest, [{ index, texts: own }]);
    else others.push({ index, texts: own });
  }
  return covered;
}

/** Rules that match nothing, each with the reason. */
export function ruleNotices(config: Config): string[] {
  const covered = coveredRules(config.rules);
  return config.rules.flatMap((rule) => {
    const reason = rule.when === null ? null : never(rule.when, config);
    if (reason !== null) return [`rule ${rule.name} matches nothing: ${reason}`];
    const before = covered.get(rule);
    return before === undefined ? [] : [`rule ${rule.name} is never reached: ${before.name} takes all that it matches`];
  });
}
