// Rules that are no fault and still match nothing: what they ask for does not come to this node, or an earlier rule takes it.
import type { CompiledRule, Condition, Operand } from '../rule.js';
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

function passes(value: number, { operator, limit }: Extract<Operand, { kind: 'compare' }>): boolean {
  if (operator === 'atLeast') return value >= limit;
  if (operator === 'atMost') return value <= limit;
  return operator === 'above' ? value > limit : value < limit;
}

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
  const absent = tests.find(({ operand }) => operand.kind === 'exists' && !operand.exists);
  if (absent !== undefined && tests.some(({ operand }) => operand.kind !== 'exists' || operand.exists))
    return `${words}: what is missing has no value`;
  const bounds = tests.flatMap(({ operand }) => (operand.kind === 'compare' ? [operand] : []));
  const isWithin = (value: number): boolean => bounds.every((bound) => passes(value, bound));
  if (tests.some(({ operand }) => operand.kind === 'number' && !operand.oneOf.some(isWithin)))
    return `${words}: no number is both`;
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

/** Why a `not` never holds beside these conditions: all that it denies, they ask for. */
function denied(condition: Condition, beside: readonly Condition[]): string | null {
  if (condition.kind !== 'not' || !conjuncts(condition.part).every((part) => isImplied(part, beside))) return null;
  return `${conjuncts(condition.part).map(wordsOf).join(' and ')}: asked for, and denied by not`;
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
  reasons.push(...parts.filter((part) => !isTest(part)).map((part) => never(part, config) ?? denied(part, parts)));
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

/** Whether a condition holds wherever these do, as far as that can be told. */
function isImplied(condition: Condition, by: readonly Condition[]): boolean {
  const text = textOf(condition);
  return by.some((own) => {
    if (text !== null && textOf(own) === text) return true;
    return isTest(own) && isTest(condition) && subjectName(own) === subjectName(condition) && implies(own, condition);
  });
}

const wordsOf = (condition: Condition): string => (isTest(condition) ? condition.says : condition.kind);

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

/** What a test of the geometry says of a single slice, as the first instance of a classic series is one; null: it is none of the geometry. */
function ofOneSlice(condition: Condition): boolean | null {
  if (!isTest(condition) || condition.subject.kind === 'attribute') return null;
  const { subject, operand } = condition;
  if (subject.name === 'SpacingBetweenPositions') return operand.kind === 'exists' && !operand.exists;
  if (subject.name !== 'SliceCount') return null;
  if (operand.kind === 'exists') return operand.exists;
  return operand.kind === 'compare' ? passes(1, operand) : operand.kind === 'number' && operand.oneOf.includes(1);
}

/** Why the periods of a rule never hold for series of single slices: the rules are tried on the first instance alone; null: they may. */
function lostPeriods(rule: CompiledRule, before: readonly CompiledRule[]): string | null {
  const own = rule.when === null ? [] : conjuncts(rule.when);
  const unmet = own.find((part) => ofOneSlice(part) === false);
  if (unmet !== undefined) return `${wordsOf(unmet)} does not hold for it`;
  for (const { name, when, goesOn } of before) {
    const parts = when === null || goesOn ? [] : conjuncts(when);
    const ofGeometry = parts.filter((part) => ofOneSlice(part) === true);
    const isTaken = ofGeometry.length > 0 && parts.every((part) => ofOneSlice(part) ?? isImplied(part, own));
    if (isTaken) return `${name} takes it (${ofGeometry.map(wordsOf).join(', ')})`;
  }
  return null;
}

/** Rules whose `assemble` is never asked for, each with the reason. */
function periodNotices({ rules }: Config): string[] {
  return rules.flatMap((rule, index) => {
    if (Object.keys(rule.assemble).length === 0) return [];
    const why = lostPeriods(rule, rules.slice(0, index));
    const where = 'holds for multi-frame objects alone, as it is asked for at the first instance of a series';
    return why === null ? [] : [`assemble of rule ${rule.name} ${where}: ${why}`];
  });
}

const testsOf = (condition: Condition): readonly Test[] => {
  if (isTest(condition)) return [condition];
  return (condition.kind === 'all' || condition.kind === 'any' ? condition.parts : [condition.part]).flatMap(testsOf);
};

/** Texts that end in a `*` where that stands for itself. At their beginning scanners write one: `*tse2d1_15`. */
function starNotices({ rules }: Config): string[] {
  const isMeantAsGlob = ({ operand }: Test): boolean =>
    operand.kind === 'text' &&
    operand.of !== undefined &&
    'values' in operand.of &&
    operand.of.values.some((value) => value.endsWith('*'));
  return rules.flatMap(({ name, when }) =>
    (when === null ? [] : testsOf(when))
      .filter(isMeantAsGlob)
      .map(({ says }) => `rule ${name}: ${says}: * stands for itself there; only glob takes it for any characters`),
  );
}

/** Rules that match nothing, periods that never hold, and stars that are no wildcards, each with the reason. */
export function ruleNotices(config: Config): string[] {
  return [...idleRules(config), ...periodNotices(config), ...starNotices(config)];
}

function idleRules(config: Config): string[] {
  const covered = coveredRules(config.rules);
  return config.rules.flatMap((rule) => {
    const reason = rule.when === null ? null : never(rule.when, config);
    if (reason !== null) return [`rule ${rule.name} matches nothing: ${reason}`];
    const before = covered.get(rule);
    return before === undefined ? [] : [`rule ${rule.name} is never reached: ${before.name} takes all that it matches`];
  });
}
