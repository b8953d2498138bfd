// How values of an attribute are written, by its VR (PS3.5 6.2): what a condition asks for in another form is never found.
import { parseDa, parseTm } from '../dicom/datetime.js';
import { vrOf } from '../dicom/dictionary.js';
import type { Operand } from '../rule.js';

interface Form {
  /** Whether a value may be this text; of several values, one of them. */
  readonly isValue: (text: string) => boolean;
  /** Letters that occur in no value, also in part of one. */
  readonly foreign: RegExp;
  readonly says: string;
}

const dateTime = /^\d{4}(\d\d){0,5}(\.\d{1,6})?([+-]\d{4})?$/;

const forms: Readonly<Record<string, Form>> = {
  DA: { isValue: (text) => parseDa(text) !== null, foreign: /[^\d.\\]/, says: 'dates are written 20260131' },
  TM: {
    isValue: (text) => parseTm(text) !== null,
    foreign: /[^\d.:\\]/,
    says: 'times are written 174500 or 174500.25',
  },
  DT: {
    isValue: (text) => dateTime.test(text),
    foreign: /[^\d.+\-\\]/,
    says: 'moments are written 20260131174500 or 20260131174500.25+0100',
  },
  AS: {
    isValue: (text) => /^\d{3}[DWMY]$/.test(text),
    foreign: /[^\dDWMY\\]/,
    says: 'ages are written 045Y, 006M, 002W',
  },
  CS: {
    isValue: (text) => /^[A-Z\d _]{1,16}$/.test(text),
    foreign: /[^A-Z\d _\\]/,
    says: 'it has up to 16 capitals, digits, spaces and underscores; case counts',
  },
  UI: { isValue: (text) => /^[\d.]{1,64}$/.test(text), foreign: /[^\d.\\]/, says: 'UIDs have digits and dots alone' },
};

/** VRs that keep spaces before a value and backslashes in it. */
const freeText: ReadonlySet<string> = new Set(['ST', 'LT', 'UT', 'UR']);

/** Whether spaces stand where values are read without them. */
const isPadded = (text: string, vr: string): boolean =>
  freeText.has(vr) ? text.endsWith(' ') : text.split('\\').some((value) => value !== value.trim());

/** A glob of wildcards alone has nothing between them. */
const isWild = (of: { readonly values: readonly string[] } | { readonly parts: readonly string[] }): boolean =>
  'parts' in of && of.parts.length > 1;

/** Why no value of the attribute is what a test of its text asks for; null: one may be. */
export function neverWritten(tag: number, operand: Operand): string | null {
  if (operand.kind !== 'text' || operand.of === undefined) return null;
  const vr = vrOf(tag);
  const form = Object.hasOwn(forms, vr) ? forms[vr] : undefined;
  const isEmpty = (text: string): boolean => text === '';
  if (('parts' in operand.of ? operand.of.parts : operand.of.values).every(isEmpty) && !isWild(operand.of))
    return 'what stands there without a value counts as missing, for which exists: false asks';
  if ('parts' in operand.of)
    return form !== undefined && operand.of.parts.some((part) => form.foreign.test(part)) ? form.says : null;
  const { values } = operand.of;
  const isForm = (text: string): boolean =>
    form === undefined || text.split('\\').every((value) => value === '' || form.isValue(value));
  if (!values.some(isForm)) return form?.says ?? null;
  return values.every((text) => isPadded(text, vr)) ? 'values are read without the spaces around them' : null;
}
