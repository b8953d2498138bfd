// Codes of a sequence, as the own checks compare them.
import type { DataSet } from '../dicom/data-set.js';
import { items, text } from '../dicom/values.js';

interface Code {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}

/** Code, scheme and meaning of each item of a code sequence. */
export function codesOf(ds: DataSet, keyword: string): Code[] {
  return items(ds, keyword).map((item) => ({
    value: text(item, 'CodeValue') ?? '',
    scheme: text(item, 'CodingSchemeDesignator') ?? '',
    meaning: text(item, 'CodeMeaning') ?? '',
  }));
}

/** Whether two lists of codes are equal in value, scheme and meaning. */
export function sameCodes(a: readonly Code[], b: readonly Code[]): boolean {
  const words = (codes: readonly Code[]): string =>
    codes.map(({ value, scheme, meaning }) => `${value}\\${scheme}\\${meaning}`).join('\n');
  return words(a) === words(b);
}
