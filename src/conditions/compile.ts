// Compiles a condition, the `when` of a rule; every fault is told with the path to it.
import type { Condition, Operand, Subject } from '../rule.js';
import { compileExpression, compileGlob, oneOf } from './patterns.js';
import { isMapping } from './plain.js';
import { readSubject } from './subjects.js';
import type { ValueKind } from './subjects.js';
import { didYouMean } from './suggest.js';

export type Path = readonly (string | number)[];
/** Takes a fault at `path` below the condition. */
export type Complain = (path: Path, message: string) => void;

const comparisons = ['atLeast', 'atMost', 'above', 'below'] as const;
const operators = ['equals', 'in', 'glob', 'matches', ...comparisons, 'exists'] as const;
type Operator = (typeof operators)[number];
const groups = ['all', 'any', 'not', 'anyInstance'] as const;
/** Deeper nesting is a mistake, or an attempt on the stack. */
const deepest = 16;

/** How a value reads in a message, shortened. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  // Quotes tell the text '8080' from the number.
  const quoted = typeof value === 'string' && /^(|-?[\d.]+|true|false|null)$/.test(value);
  // JSON has no words for the numbers that are not finite.
  const other = typeof value === 'number' ? String(value) : JSON.stringify(value);
  const text = typeof value !== 'string' ? other : quoted ? `'${value}'` : value;
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

/**
 * Compiles a condition: a mapping of `all`, `any`, `not`, `anyInstance`, or attribute names to tests. Several keys in one
 * mapping must all hold.
 *
 * @returns null where anything was wrong; `complain` then has every fault
 */
export function compileCondition(value: unknown, complain: Complain, path: Path = [], depth = 0): Condition | null {
  if (!isMapping(value) || Object.keys(value).length === 0) {
    complain(path, `expected a condition as { Modality: CT }, or all, any, not, anyInstance; found ${shown(value)}`);
    return null;
  }
  if (depth > deepest) {
    complain(path, `conditions nest deeper than ${deepest}`);
    return null;
  }
  const compiled = Object.entries(value).map(([key, content]) => compileEntry(key, content, complain, path, depth));
  return joined(compiled);
}

/** All of the parts, or null where one could not be compiled. */
function joined(parts: readonly (Condition | null)[], kind: 'all' | 'any' = 'all', single = true): Condition | null {
  const sound = parts.filter((part) => part !== null);
  const [first] = sound;
  if (sound.length < parts.length || first === undefined) return null;
  return single && sound.length === 1 ? first : { kind, parts: sound };
}

function compileEntry(key: string, content: unknown, complain: Complain, at: Path, depth: number): Condition | null {
  const path = [...at, key];
  if (key === 'all' || key === 'any') {
    if (!Array.isArray(content) || content.length === 0) {
      complain(path, `expected a list of conditions, found ${shown(content)}`);
      return null;
    }
    const parts = content.map((part, index) => compileCondition(part, complain, [...path, index], depth + 1));
    return joined(parts, key, false);
  }
  if (key === 'not' || key === 'anyInstance') {
    const part = compileCondition(content, complain, path, depth + 1);
    return part === null ? null : { kind: key, part };
  }
  const read = readSubject(key);
  if ('fault' in read) {
    const guess = didYouMean(key, groups);
    complain(path, guess === '' ? read.fault : `${key} is no condition${guess}`);
    return null;
  }
  if (!isMapping(content)) {
    return compileTest(read.subject, read.values, 'equals', content, complain, path);
  }
  const tests = Object.entries(content);
  if (tests.length === 0) complain(path, `expected a value or an operator: ${operators.join(', ')}`);
  return joined(
    tests.map(([operator, operand]) => {
      const known = operators.find((name) => name === operator);
      const where = [...path, operator];
      if (known !== undefined) return compileTest(read.subject, read.values, known, operand, complain, where);
      complain(where, `${operator} is no operator (${operators.join(', ')})${didYouMean(operator, operators)}`);
      return null;
    }),
  );
}

function compileTest(
  subject: Subject,
  values: ValueKind,
  operator: Operator,
  operand: unknown,
  complain: Complain,
  path: Path,
): Condition | null {
  const result = compileOperand(subject.name, values, operator, operand);
  if (typeof result === 'string') {
    complain(path, result);
    return null;
  }
  const list = Array.isArray(operand) ? `[${operand.map(shown).join(', ')}]` : shown(operand);
  return { kind: 'test', subject, operand: result, says: `${subject.name} ${operator} ${list}` };
}

/** The compiled operand, or what is wrong with it. */
function compileOperand(name: string, values: ValueKind, operator: Operator, operand: unknown): Operand | string {
  if (operator === 'exists') {
    return typeof operand === 'boolean'
      ? { kind: 'exists', exists: operand }
      : `expected true or false, found ${shown(operand)}`;
  }
  if (operator === 'equals') return compileEqual(name, values, [operand], 'a value');
  if (operator === 'in') {
    if (Array.isArray(operand) && operand.length > 0) return compileEqual(name, values, operand, 'a list of values');
    return `expected a list of values, found ${shown(operand)}`;
  }
  if (operator === 'glob' || operator === 'matches') {
    if (values === 'number') return `${name} is a number: use ${comparisons.join(', ')}, equals or in`;
    if (typeof operand !== 'string') return `expected a text, found ${shown(operand)}`;
    if (operator === 'glob')
      return { kind: 'text', pattern: compileGlob(operand), of: { parts: operand.split(/[*?]/) } };
    const pattern = compileExpression(operand, 'with case');
    return typeof pattern === 'string' ? `no regular expression: ${pattern}` : { kind: 'text', pattern };
  }
  if (values === 'text') return `${name} is no number: use equals, in, glob or matches`;
  if (typeof operand !== 'number' || !Number.isFinite(operand))
    return `expected a number${values === 'age' ? ' of years' : ''}, found ${shown(operand)}`;
  return { kind: 'compare', operator, limit: operand };
}

function compileEqual(name: string, values: ValueKind, wanted: readonly unknown[], form: string): Operand | string {
  const numbers = wanted.flatMap((value) => (typeof value === 'number' && Number.isFinite(value) ? [value] : []));
  const texts = wanted.flatMap((value) => (typeof value === 'string' ? [value] : []));
  if (numbers.length + texts.length < wanted.length) {
    const wrong = wanted.find((value) => typeof value !== 'string' && !Number.isFinite(value));
    const quotes = typeof wrong === 'boolean' ? ': put a text that reads like true or false in quotes' : '';
    const advice = Array.isArray(wrong) ? `; one of several is asked for by { in: [...] }` : quotes;
    return `expected ${form}, found ${shown(wrong)}${advice}`;
  }
  if (values === 'number' && texts.length > 0) {
    return `expected a number, as ${name} is one; found ${shown(texts[0])}`;
  }
  if (values === 'number' || (values === 'any' && texts.length === 0)) return { kind: 'number', oneOf: numbers };
  if (numbers.length > 0 && values === 'age')
    return `${name} is an age: ask for years by ${comparisons.join(', ')}, or for a text as '045Y'`;
  // What stands in the file may be 010, 1e3 or 1.10, and only that is the text of the attribute.
  if (numbers.length > 0)
    return `${name} is a text: put the value in quotes, else it is read as the number ${numbers[0]}`;
  return { kind: 'text', pattern: oneOf(texts), of: { values: texts } };
}
