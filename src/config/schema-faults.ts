// Says in limpid's words what a schema found.
import type { z } from 'zod';
import { shown } from '../conditions/compile.js';
import { configJsonSchema } from './json-schema.js';
import { isMapping } from '../conditions/plain.js';
import { didYouMean } from '../conditions/suggest.js';

/** The alternatives of a schema: its kinds, or itself. */
function alternatives(schema: unknown): unknown[] {
  if (!isMapping(schema)) return [];
  const listed = schema['anyOf'] ?? schema['oneOf'];
  return Array.isArray(listed) ? listed : [schema];
}

/** Keys that a mapping at `path` may have. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let here: unknown = configJsonSchema();
  for (const key of path) {
    here = alternatives(here)
      .filter(isMapping)
      .map((option) => {
        if (typeof key === 'number') return option['items'];
        const properties = option['properties'];
        const named = isMapping(properties) ? properties[String(key)] : undefined;
        return named ?? option['additionalProperties'];
      })
      .find((found) => found !== undefined);
  }
  return alternatives(here).flatMap((option) => {
    const properties = isMapping(option) ? option['properties'] : undefined;
    return isMapping(properties) ? Object.keys(properties) : [];
  });
}

/** The value at a path of plain data; undefined where there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = Reflect.get(here, key);
  }
  return here;
}

export interface SchemaFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The fault is the key itself, not its value. */
  readonly ofKey: boolean;
}

const expectedType: Readonly<Record<string, string>> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  string: 'a text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function messageOf(issue: z.core.$ZodIssue, found: unknown): string {
  const says = (expected: string): string =>
    found === undefined ? `is missing; ${expected}` : `${expected}, found ${shown(found)}`;
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const guess = typeof found === 'string' ? didYouMean(found, values) : '';
    return `${says(`expected ${values.join(', ').replace(/, ([^,]*)$/, ' or $1')}`)}${guess}`;
  }
  if (issue.code === 'custom') return issue.message;
  if (issue.code === 'invalid_union') return says(issue.message);
  const isReadAs = issue.code === 'invalid_type' && issue.expected === 'string' ? typeof found : null;
  // An AE title of digits, or 1e3: the text is lost once YAML has read it as a number.
  const advice = isReadAs === 'number' || isReadAs === 'boolean' ? `, a ${isReadAs}: put the text in quotes` : '';
  if (issue.code !== 'invalid_type' || issue.message.startsWith('expected')) return `${says(issue.message)}${advice}`;
  return `${says(`expected ${expectedType[issue.expected] ?? issue.expected}`)}${advice}`;
}

/** The faults of one failed parse. `prefix`: where `raw` stands in the whole configuration. */
export function schemaFaults(error: z.ZodError, raw: unknown, prefix: readonly (string | number)[]): SchemaFault[] {
  return error.issues.flatMap((issue): SchemaFault[] => {
    const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys([...prefix, ...path]);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key${didYouMean(key, known)}`,
        ofKey: true,
      }));
    }
    if (issue.code === 'invalid_key') {
      return [{ path, message: issue.issues[0]?.message ?? 'wrong name', ofKey: true }];
    }
    return [{ path, message: messageOf(issue, valueAt(raw, path)), ofKey: false }];
  });
}
