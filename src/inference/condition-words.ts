// A card's conditions on headers, for people.
import { isMapping } from '../conditions/plain.js';

const listed = (value: unknown): string => (Array.isArray(value) ? value : [value]).map(String).join(', ');

const tests: Readonly<Record<string, (subject: string, value: unknown) => string>> = {
  equals: (subject, value) => `${subject} is ${String(value)}`,
  in: (subject, value) => `${subject} is one of ${listed(value)}`,
  glob: (subject, value) => `${subject} looks like ${listed(value)}`,
  matches: (subject, value) => `${subject} matches ${listed(value)}`,
  atLeast: (subject, value) => `${subject} is at least ${String(value)}`,
  atMost: (subject, value) => `${subject} is at most ${String(value)}`,
  above: (subject, value) => `${subject} is above ${String(value)}`,
  below: (subject, value) => `${subject} is below ${String(value)}`,
  exists: (subject, value) => `${subject} is ${value === true ? 'there' : 'absent'}`,
};

const grouped = (parts: readonly string[], between: 'and' | 'or'): string =>
  parts.length === 1 ? parts.join('') : parts.map((part) => `(${part})`).join(` ${between} `);

/** A condition that compiles, in words; what is no condition, as JSON. */
export function conditionWords(condition: unknown): string {
  if (!isMapping(condition)) return JSON.stringify(condition);
  return grouped(
    Object.entries(condition).map(([key, content]) => entryWords(key, content)),
    'and',
  );
}

function entryWords(key: string, content: unknown): string {
  if ((key === 'all' || key === 'any') && Array.isArray(content)) {
    return grouped(content.map(conditionWords), key === 'all' ? 'and' : 'or');
  }
  if (key === 'not') return `not (${conditionWords(content)})`;
  if (key === 'anyInstance') return `of any instance (${conditionWords(content)})`;
  const operators = isMapping(content) ? Object.entries(content) : [['equals', content] as const];
  return grouped(
    operators.map(
      ([operator, value]) => tests[operator]?.(key, value) ?? `${key} ${operator} ${JSON.stringify(value)}`,
    ),
    'and',
  );
}
