// Own check: the functional groups of an object of several frames (conformance 3.2): kept item by item, but for what limpid says of
// each frame.
import type { DataSet } from '../dicom/data-set.js';
import { keywordOf, tagText } from '../dicom/dictionary.js';
import { derivedConcatenationUid } from '../dicom/uid.js';
import { find, items, number, text, texts } from '../dicom/values.js';
import { codesOf, sameCodes } from './check-codes.js';
import { checkGridMacro } from './check-grid-macros.js';
import { sameElement, sameItem } from './check-kept.js';
import type { Check } from './faults.js';
import { gridMacros } from './geometry.js';
import { isNewGrid } from './plan.js';
import type { DerivationPlan } from './plan.js';
import { sourcePurpose } from './references.js';
import { derivationWords } from './texts.js';

const derivation = 'DerivationImageSequence';
const frameTypes: ReadonlySet<string> = new Set(['CTImageFrameTypeSequence', 'MRImageFrameTypeSequence']);

/** Image Type or Frame Type of an object with functional groups. */
export function expectedFrameType(former: readonly string[], plan: DerivationPlan): string[] {
  const fourth = former[3] ?? '';
  const own = fourth !== '' && fourth !== 'NONE' ? fourth : isNewGrid(plan) ? 'RESAMPLED' : 'FILTERED';
  return ['DERIVED', 'PRIMARY', former[2] ?? '', own];
}

export function checkFunctionalGroups(check: Check): void {
  const { source, derived, fault } = check;
  const [from, to] = [source.dataSet, derived.dataSet];
  for (const keyword of ['SharedFunctionalGroupsSequence', 'PerFrameFunctionalGroupsSequence']) {
    const [former, own] = [items(from, keyword), items(to, keyword)];
    if (former.length !== own.length)
      fault('FRAMES', `${own.length} items of ${keyword}, the source has ${former.length}`);
    for (const [index, item] of former.entries()) {
      const other = own[index];
      // Of every frame's own, a derivation cannot stand for all frames too.
      if (keyword === 'SharedFunctionalGroupsSequence' && other !== undefined && find(other, derivation) !== undefined)
        fault('DERIV', 'a derivation stands in the shared groups');
      if (other !== undefined) checkItem(check, item, other, `item ${index + 1} of ${keyword}`);
    }
  }
  const frames = items(to, 'PerFrameFunctionalGroupsSequence');
  if (number(to, 'NumberOfFrames') !== frames.length)
    fault('FRAMES', 'Number of Frames is not the number of its groups');
  const [sharedBefore] = items(from, 'SharedFunctionalGroupsSequence');
  for (const [index, frame] of frames.entries()) {
    const before = items(from, 'PerFrameFunctionalGroupsSequence')[index];
    const own = before === undefined ? [] : items(before, derivation);
    const former = own.length > 0 || sharedBefore === undefined ? own : items(sharedBefore, derivation);
    checkStep(check, index + 1, former, items(frame, derivation));
  }
  checkEvidence(check);
  checkConcatenation(check);
}

function checkItem(check: Check, item: DataSet, other: DataSet, where: string): void {
  const {
    plan,
    selection: { dropped, droppedOf },
    fault,
  } = check;
  const kept = item.elements.filter((element) => !dropped(item, element));
  for (const element of kept) {
    const keyword = keywordOf(element.tag) ?? tagText(element.tag);
    if (keyword === derivation) continue;
    if (plan.geometry !== undefined && gridMacros.has(keyword)) {
      checkGridMacro(check, item, other, keyword, where);
      continue;
    }
    const found = other.get(element.tag);
    if (found === undefined) fault('FGROUP', `${keyword} is missing in ${where}`);
    else if (frameTypes.has(keyword) && items(item, keyword).length === items(other, keyword).length)
      items(item, keyword).forEach((macro, index) => checkFrameType(macro, items(other, keyword)[index], where));
    else if (!sameElement(item, element, other, found, droppedOf(element)))
      fault('FGROUP', `${keyword} differs in ${where}`);
  }
  for (const { tag } of other.elements) {
    const keyword = keywordOf(tag) ?? tagText(tag);
    if (keyword !== derivation && item.get(tag) === undefined) fault('FGROUP', `${keyword} is added in ${where}`);
  }

  function checkFrameType(before: DataSet | undefined, after: DataSet | undefined, at: string): void {
    if (before === undefined || after === undefined) return;
    const expected = expectedFrameType(texts(before, 'FrameType'), plan).join('\\');
    if (texts(after, 'FrameType').join('\\') !== expected) fault('IMGTYPE', `Frame Type of ${at} is not the rule's`);
    const rest = before.elements.filter(
      (element) => keywordOf(element.tag) !== 'FrameType' && !dropped(before, element),
    );
    const same = rest.every((element) => {
      const found = after.get(element.tag);
      return found !== undefined && sameElement(before, element, after, found, dropped);
    });
    if (!same || after.elements.length !== rest.length + (before.get(0x00089007) === undefined ? 0 : 1))
      fault('FGROUP', `the frame type macro of ${at} differs beyond Frame Type`);
  }
}

/** The frame's steps: the source's in front, then one that names the frame it was made of. */
function checkStep(
  { source, plan, selection, fault }: Check,
  frame: number,
  former: readonly DataSet[],
  steps: readonly DataSet[],
): void {
  const own = steps.at(-1);
  if (own === undefined || steps.length !== former.length + 1)
    return fault('DERIV', `frame ${frame} has ${steps.length} steps`);
  if (!former.every((item, index) => sameItem(item, steps[index], selection.dropped)))
    fault('DERIV', `frame ${frame}: the source's steps are not in front`);
  if (text(own, 'DerivationDescription') !== derivationWords(plan))
    fault('DERIV', `frame ${frame} does not say what was done`);
  if (!sameCodes(codesOf(own, 'DerivationCodeSequence'), plan.model.codes))
    fault('DERIV', `frame ${frame}: codes are not the model's`);
  if (own.elements.length !== 3)
    fault('DERIV', `frame ${frame}: the step is more or less than words, source and codes`);
  const sources = items(own, 'SourceImageSequence');
  const [first] = sources;
  if (first === undefined || sources.length !== 1)
    return fault('SOURCE', `frame ${frame} names ${sources.length} sources`);
  if (first.elements.length !== 5) fault('SOURCE', `frame ${frame}: more or less is said of the source`);
  const named = [
    text(first, 'ReferencedSOPClassUID'),
    text(first, 'ReferencedSOPInstanceUID'),
    number(first, 'ReferencedFrameNumber'),
  ];
  const expected = [text(source.dataSet, 'SOPClassUID'), text(source.dataSet, 'SOPInstanceUID'), frame];
  if (named.join(' ') !== expected.join(' ')) fault('SOURCE', `frame ${frame} names another source`);
  if (text(first, 'SpatialLocationsPreserved') !== (isNewGrid(plan) ? 'NO' : 'YES'))
    fault('SOURCE', `frame ${frame}: Spatial Locations Preserved is wrong`);
  if (!sameCodes(codesOf(first, 'PurposeOfReferenceCodeSequence'), [sourcePurpose]))
    fault('SOURCE', `frame ${frame}: purpose of reference is wrong`);
}

/** Instances that an evidence sequence names, as `study series class instance`. */
function evidenceOf(ds: DataSet): string[] {
  return items(ds, 'SourceImageEvidenceSequence').flatMap((study) =>
    items(study, 'ReferencedSeriesSequence').flatMap((series) =>
      items(series, 'ReferencedSOPSequence').map((one) =>
        [
          text(study, 'StudyInstanceUID'),
          text(series, 'SeriesInstanceUID'),
          text(one, 'ReferencedSOPClassUID'),
          text(one, 'ReferencedSOPInstanceUID'),
        ].join(' '),
      ),
    ),
  );
}

function checkEvidence({ source, derived, fault }: Check): void {
  const from = source.dataSet;
  const own = ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPClassUID', 'SOPInstanceUID'].map((keyword) =>
    text(from, keyword),
  );
  const expected = new Set([...evidenceOf(from), own.join(' ')]);
  const found = evidenceOf(derived.dataSet);
  // Each once, in any order.
  if (found.length !== expected.size || found.some((one) => !expected.delete(one)))
    fault('DERIV', 'Source Image Evidence Sequence is not the source and what the source named');
}

function checkConcatenation({ source, derived, plan, fault }: Check): void {
  for (const keyword of ['ConcatenationUID', 'SOPInstanceUIDOfConcatenationSource']) {
    const former = text(source.dataSet, keyword);
    const expected = former === null ? null : derivedConcatenationUid(plan.seriesInstanceUid, former);
    if (text(derived.dataSet, keyword) !== expected) fault('UID', `${keyword} is not the recipe's`);
  }
}
