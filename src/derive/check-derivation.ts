// Own check: how and from what the object was made, and the words that say so (conformance 3.5, 4).
import { decodeText } from '../dicom/charset.js';
import { hasFunctionalGroups } from '../dicom/functional-groups.js';
import { items, text, texts } from '../dicom/values.js';
import type { Check } from './faults.js';
import { checkFunctionalGroups } from './check-functional-groups.js';
import { codesOf, sameCodes } from './check-codes.js';
import { sameBytes, sameItem } from './check-kept.js';
import { isNewGrid } from './plan.js';
import { cutText, rawText } from './raw-text.js';
import { sourcePurpose } from './references.js';
import { derivationWords } from './texts.js';

export function checkDerivation(check: Check): void {
  const { source, derived, plan, selection, fault } = check;
  const [from, to] = [source.dataSet, derived.dataSet];
  if (hasFunctionalGroups(from)) {
    checkFunctionalGroups(check);
    checkTexts(check);
    return;
  }
  const former = items(from, 'DerivationCodeSequence');
  const steps = items(to, 'DerivationCodeSequence');
  if (!former.every((item, index) => sameItem(item, steps[index], selection.dropped)))
    fault('DERIV', "the source's steps are not in front");
  if (!sameCodes(codesOf(to, 'DerivationCodeSequence').slice(former.length), plan.model.codes)) {
    fault('DERIV', 'Derivation Code Sequence is not the source’s steps and the model’s');
  }
  if (!text(to, 'DerivationDescription')?.endsWith(derivationWords(plan))) {
    fault('DERIV', 'Derivation Description does not say what was done');
  }
  checkSources(check);
  checkTexts(check);
}

function checkSources({ source, derived, plan, fault }: Check): void {
  const [from, to] = [source.dataSet, derived.dataSet];
  const uid = text(from, 'SOPInstanceUID') ?? '';
  const expected = [uid, ...(plan.contextSlices?.get(uid) ?? [])];
  const sources = items(to, 'SourceImageSequence');
  const named = sources.map((item) => text(item, 'ReferencedSOPInstanceUID'));
  if (named.join(' ') !== expected.join(' '))
    fault('SOURCE', 'Source Image Sequence does not name the slices that were used');
  if (new Set(named).size < named.length) fault('SOURCE', 'a source is named twice');
  const preserved = isNewGrid(plan) ? 'NO' : 'YES';
  for (const item of sources) {
    if (text(item, 'ReferencedSOPClassUID') !== text(from, 'SOPClassUID'))
      fault('SOURCE', 'another SOP class is named');
    if (text(item, 'SpatialLocationsPreserved') !== preserved)
      fault('SOURCE', `Spatial Locations Preserved is not ${preserved}`);
    if (!sameCodes(codesOf(item, 'PurposeOfReferenceCodeSequence'), [sourcePurpose]))
      fault('SOURCE', 'purpose of reference is wrong');
  }
}

/** Longest Image Comments, characters, and the most that limpid's own words take of them. */
const [commentsLongest, commentsOwn] = [10240, 64];

/** Without the spaces at its end, which are padding once it is written. */
function trimmed(value: Uint8Array): Uint8Array {
  let end = value.length;
  while (value[end - 1] === 0x20) end--;
  return value.subarray(0, end);
}

/** How many bytes of the source's comments must stand in front: all, but for the room that limpid's words need. */
function commentsKept(before: Uint8Array, characterSets: readonly string[]): number {
  if (before.length <= commentsLongest - commentsOwn) return before.length;
  // In a set that is not understood a long text cannot be cut: limpid's words stand alone (conformance 4).
  return cutText(characterSets, before, commentsLongest - commentsOwn, false)?.length ?? 0;
}

function checkTexts({ source, derived, plan, fault }: Check): void {
  const [from, to] = [source.dataSet, derived.dataSet];
  const sets = texts(to, 'SpecificCharacterSet');
  for (const [keyword, longest] of [
    ['SeriesDescription', 64],
    ['DerivationDescription', 1024],
    ['ImageComments', commentsLongest],
  ] as const) {
    if (keyword === 'DerivationDescription' && hasFunctionalGroups(from)) continue;
    const length = decodeText(rawText(to, keyword), sets).length;
    if (length === 0 || length > longest) fault('TEXT', `${keyword} has ${length} characters, at most ${longest}`);
  }
  const description = rawText(to, 'SeriesDescription');
  const mark = `limpid ${plan.model.mark} `;
  if (decodeText(description.subarray(0, mark.length), []) !== mark)
    fault('TEXT', `Series Description does not begin with its mark`);
  if (!sameBytes(description, trimmed(plan.series.description))) {
    fault('TEXT', 'Series Description is not that of the series');
    if (description.some((byte) => byte < 0x20 || byte > 0x7e)) fault('CHARSET', 'limpid wrote text that is not ASCII');
  }
  const comments = rawText(to, 'ImageComments');
  const before = rawText(from, 'ImageComments');
  const kept = commentsKept(before, texts(from, 'SpecificCharacterSet'));
  if (!sameBytes(comments.subarray(0, kept), before.subarray(0, kept)))
    fault('TEXT', "the source's Image Comments are lost");
  if (!decodeText(comments.subarray(kept), []).includes('limpid: '))
    fault('TEXT', 'Image Comments do not say what was done');
}
