// Canonical JSON (RFC 8785): the one text form of a value, so that its SHA-256 can be part of a UID.
import { LimpidError } from '../errors.js';

/**
 * The canonical text of a JSON value: members sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript
 * writes them. Members whose value is undefined are left out, as JSON.stringify does.
 * @throws LimpidError INTERNAL for what JSON cannot hold: NaN, Infinity, bigint, functions, lone surrogates, undefined in arrays
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw notJson('a number that is not finite');
    return JSON.stringify(value);
  }
  if (typeof value === 'string') return canonicalString(value);
  if (Array.isArray(value)) return `[${value.map((member) => canonicalJson(member)).join(',')}]`;
  if (typeof value !== 'object') throw notJson(typeof value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${canonicalString(name)}:${canonicalJson(member)}`).join(',')}}`;
}

function canonicalString(text: string): string {
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text)) {
    throw notJson('a string with half a surrogate pair');
  }
  return JSON.stringify(text);
}

function notJson(what: string): LimpidError {
  return new LimpidError('INTERNAL', `cannot write ${what} as canonical JSON`);
}
