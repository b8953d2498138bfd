// What a derived object says of itself in words (conformance 3.5, 4, 13). limpid's own words are ASCII.
import type { DataSet } from '../dicom/data-set.js';
import { joined } from '../dicom/element.js';
import { number, text } from '../dicom/values.js';
import { version } from '../version.js';
import { written } from './encode.js';
import type { Written } from './encode.js';
import type { DerivationPlan } from './plan.js';
import { closedText, cutText, rawText } from './raw-text.js';

/** Longest values in characters (PS3.5 6.2). */
const longest = { LO: 64, ST: 1024, LT: 10240 };

/** What was done to the picture, by the task's mark. */
const done: Readonly<Record<DerivationPlan['model']['mark'], string>> = {
  DN: 'noise reduced',
  SR2x: 'super-resolution',
  SR4x: 'super-resolution',
  DSP: 'speckle reduced',
};

/** Text as bytes; what is not ASCII becomes a question mark. */
export function asciiBytes(value: string): Uint8Array {
  return Uint8Array.from(value, (letter) => (letter >= ' ' && letter <= '~' ? letter.charCodeAt(0) : 0x3f));
}

/** `limpid 0.1.0: noise reduction, ct-low-dose 1.2.0, strength 0.40, noise 24.1 to 14.5 HU`. */
export function derivationWords(plan: DerivationPlan): string {
  const { before, after, unit } = plan.noise;
  const parts = [plan.model.words, `${plan.model.id} ${plan.model.version}`];
  if (plan.strengthAsked > 0) parts.push(`strength ${plan.strengthAsked.toFixed(2)}`);
  if (before !== null && after !== null) {
    parts.push(`noise ${before.toFixed(1)} to ${after.toFixed(1)}${unit === 'HU' ? ' HU' : ''}`);
  }
  return `limpid ${version}: ${parts.join(', ')}`;
}

/** Series Description, Derivation Description and Image Comments. */
export function textElements(source: DataSet, plan: DerivationPlan, qualification: 'RESEARCH' | 'PRODUCT'): Written[] {
  const warning = qualification === 'RESEARCH' ? ', not for primary diagnosis' : '';
  return [
    written('SeriesDescription', seriesDescription(source, plan)),
    written('DerivationDescription', appended(source, 'DerivationDescription', derivationWords(plan), longest.ST)),
    written(
      'ImageComments',
      appended(source, 'ImageComments', `limpid: ${done[plan.model.mark]}${warning}`, longest.LT),
    ),
  ];
}

/** The mark first, as lists of series cut the end; then the source's own description as far as it fits. */
function seriesDescription(source: DataSet, plan: DerivationPlan): Uint8Array {
  const mark = asciiBytes(`limpid ${plan.model.mark} `);
  const room = longest.LO - mark.length;
  const own = [rawText(source, 'SeriesDescription'), rawText(source, 'ProtocolName')].find((value) => value.length > 0);
  const rest =
    own === undefined
      ? asciiBytes(text(source, 'Modality') ?? '')
      : (cutText(source, own, room, true) ?? asciiBytes(`series ${number(source, 'SeriesNumber') ?? ''}`.trim()));
  return joined([mark, rest]);
}

/** The source's text in front, limpid's behind it; where both do not fit, the source's is cut. */
function appended(source: DataSet, keyword: string, words: string, most: number): Uint8Array {
  const own = rawText(source, keyword);
  const added = asciiBytes(words).subarray(0, most);
  if (own.length === 0) return added;
  const separator = asciiBytes('; ');
  const room = most - added.length - separator.length;
  // Bytes are never fewer than characters, so a text of few bytes need not be understood.
  const front = own.length <= room ? own : cutText(source, own, room, false);
  return front === null ? added : joined([closedText(front), separator, added]);
}
