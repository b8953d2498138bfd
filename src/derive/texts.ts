// What a derived object says of itself in words (conformance 3.5, 4, 13). limpid's own words are ASCII.
import type { DataSet } from '../dicom/data-set.js';
import { joined } from '../dicom/element.js';
import { hasFunctionalGroups } from '../dicom/functional-groups.js';
import { number, text, texts } from '../dicom/values.js';
import { version } from '../version.js';
import { written } from './encode.js';
import type { Written } from './encode.js';
import { derivedSeriesNumber } from './series-number.js';
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
  CE: 'contrast equalised',
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
    written('SeriesDescription', plan.series.description),
    // Where there are functional groups, the words stand there, for each frame.
    ...(hasFunctionalGroups(source)
      ? []
      : [
          written(
            'DerivationDescription',
            appended(source, 'DerivationDescription', derivationWords(plan), longest.ST),
          ),
        ]),
    written(
      'ImageComments',
      appended(source, 'ImageComments', `limpid: ${done[plan.model.mark]}${warning}`, longest.LT),
    ),
  ];
}

/** What a source says of its series, for the words of the derived one. */
export interface SeriesWords {
  readonly number: number | null;
  /** Its description, else protocol, else modality, as bytes in `characterSets`. */
  readonly description: Uint8Array;
  readonly characterSets: readonly string[];
}

export function seriesWords(source: DataSet): SeriesWords {
  const own = [rawText(source, 'SeriesDescription'), rawText(source, 'ProtocolName')].find((value) => value.length > 0);
  return {
    number: number(source, 'SeriesNumber'),
    // A copy: these words outlive the file's bytes.
    description: own?.slice() ?? asciiBytes(text(source, 'Modality') ?? ''),
    characterSets: texts(source, 'SpecificCharacterSet'),
  };
}

/**
 * Number and description of the derived series, one for all its instances whatever the sources say: those of the first slice along
 * the stack (`first`). The mark stands first, as lists of series cut the end.
 */
export function derivedSeries(
  all: readonly SeriesWords[],
  first: SeriesWords,
  { slot, mark }: { readonly slot: number; readonly mark: DerivationPlan['model']['mark'] },
): DerivationPlan['series'] {
  const { description, characterSets } = first;
  const own = asciiBytes(`limpid ${mark} `);
  // Bytes mean the same in every instance only where all name the same sets.
  const isOneSet = all.every((words) => words.characterSets.join() === characterSets.join());
  const holds = isOneSet || description.every((byte) => byte >= 0x20 && byte < 0x7f);
  const words = holds ? cutText(characterSets, description, longest.LO - own.length, true) : null;
  const said =
    words === null || words.length === 0
      ? asciiBytes(`series ${first.number ?? ''}`.trim())
      : closedText(words, characterSets);
  return { number: derivedSeriesNumber(first.number, slot), description: joined([own, said]) };
}

/** What stands where a text was cut. */
const cutMark = '...';

/** The source's text in front, limpid's behind it; where both do not fit, the source's is cut, and says so. */
function appended(source: DataSet, keyword: string, words: string, most: number): Uint8Array {
  const own = rawText(source, keyword);
  const added = asciiBytes(words).subarray(0, most);
  if (own.length === 0) return added;
  const separator = asciiBytes('; ');
  const room = most - added.length - separator.length;
  const sets = texts(source, 'SpecificCharacterSet');
  // Bytes are never fewer than characters, so a text of few bytes need not be understood.
  const front = own.length <= room ? own : cutText(sets, own, room, false);
  if (front === null) return added;
  if (front.length === own.length) return joined([closedText(own, sets), separator, added]);
  const cut = cutText(sets, own, room - cutMark.length, false) ?? front;
  return joined([closedText(cut, sets), asciiBytes(cutMark), separator, added]);
}
