// Functional groups of the derived object: the source's, with each frame's derivation and frame type (conformance 3.2; PS3.3 C.7.6.16).
import type { DataSet, Element } from '../dicom/data-set.js';
import { keywordOf, tagOf } from '../dicom/dictionary.js';
import { encodeElement, encodeSequence } from '../dicom/element.js';
import { copiedElement, copiedItem } from '../dicom/explicit-le.js';
import { derivedConcatenationUid } from '../dicom/uid.js';
import { find, items, text, texts } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { selectionOf, written, writtenSequence } from './encode.js';
import type { Written } from './encode.js';
import { codeItem } from './equipment.js';
import { gridMacro, gridMacros } from './geometry.js';
import { enhancedType, sourceUidOf } from './identity.js';
import { isNewGrid } from './plan.js';
import type { DerivationPlan } from './plan.js';
import { sourcePurpose } from './references.js';
import { asciiBytes, derivationWords } from './texts.js';

function tag(keyword: string): number {
  const found = tagOf(keyword);
  if (found === undefined) throw new LimpidError('INTERNAL', `no attribute has the keyword ${keyword}`);
  return found;
}

const derivationImage = tag('DerivationImageSequence');
const frameType = tag('FrameType');
const frameTypeMacros: ReadonlySet<number> = new Set([
  tag('CTImageFrameTypeSequence'),
  tag('MRImageFrameTypeSequence'),
]);
const longestSt = 1024;

/** Shared and per-frame functional groups, the evidence of what they name, and the UIDs of a concatenation. */
export function functionalGroupElements(source: DataSet, plan: DerivationPlan): Written[] {
  const shared = items(source, 'SharedFunctionalGroupsSequence');
  // A macro may stand in one of the two places only, and each frame has a derivation of its own now.
  const former = shared.flatMap((item) => items(item, derivationImage));
  const { dropped } = selectionOf(plan);
  // Some senders leave it out where the frames share nothing: an empty one would be another fault (Type 1).
  const hasShared = find(source, 'SharedFunctionalGroupsSequence') !== undefined;
  const ofAll = writtenSequence(
    'SharedFunctionalGroupsSequence',
    shared.map((item) => groups(source, item, plan, null)),
  );
  return [
    ...(hasShared ? [ofAll] : []),
    writtenSequence(
      'PerFrameFunctionalGroupsSequence',
      items(source, 'PerFrameFunctionalGroupsSequence').map((item, index) => {
        const own = items(item, derivationImage);
        const steps = (own.length > 0 ? own : former).map((step) => copiedItem(step, dropped));
        const derivation = encodeSequence(derivationImage, [...steps, derivationItem(source, plan, index + 1)]);
        return groups(source, item, plan, { frame: index, derivation });
      }),
    ),
    evidence(source),
    ...concatenation(source, plan),
  ];
}

/** One item's groups, in order of tags; of a frame with its `derivation` in place of what the source has there. */
function groups(
  source: DataSet,
  item: DataSet,
  plan: DerivationPlan,
  own: { readonly frame: number; readonly derivation: Uint8Array } | null,
): Uint8Array[] {
  const { dropped } = selectionOf(plan);
  const kept = item.elements
    .filter((element) => element.tag !== derivationImage && !dropped(item, element))
    .map((element) => ({ tag: element.tag, parts: group(source, item, element, plan, own?.frame ?? null) }));
  if (own !== null) kept.push({ tag: derivationImage, parts: [own.derivation] });
  return kept.toSorted((a, b) => a.tag - b.tag).flatMap(({ parts }) => parts);
}

function group(
  source: DataSet,
  item: DataSet,
  element: Element,
  plan: DerivationPlan,
  frame: number | null,
): Uint8Array[] {
  const { dropped, droppedOf } = selectionOf(plan);
  if (plan.geometry !== undefined && gridMacros.has(keywordOf(element.tag) ?? ''))
    return gridMacro(source, item, element, frame, plan.geometry, dropped);
  if (!frameTypeMacros.has(element.tag)) return copiedElement(item, element, droppedOf(element));
  return [
    encodeSequence(
      element.tag,
      items(item, element.tag).map((macro) =>
        macro.elements
          .filter((inner) => !dropped(macro, inner))
          .flatMap((inner) =>
            inner.tag === frameType
              ? [encodeElement(frameType, 'CS', enhancedType(texts(macro, frameType), plan))]
              : copiedElement(macro, inner, dropped),
          ),
      ),
    ),
  ];
}

/** What was done to one frame, and of which frame it was made. @param number from 1 */
function derivationItem(source: DataSet, plan: DerivationPlan, number: number): Uint8Array[] {
  return [
    encodeElement(0x00082111, 'ST', asciiBytes(derivationWords(plan)).subarray(0, longestSt)),
    encodeSequence(0x00082112, [
      [
        encodeElement(0x00081150, 'UI', text(source, 'SOPClassUID') ?? ''),
        encodeElement(0x00081155, 'UI', sourceUidOf(source)),
        encodeElement(0x00081160, 'IS', String(number)),
        encodeElement(0x0028135a, 'CS', isNewGrid(plan) ? 'NO' : 'YES'),
        encodeSequence(0x0040a170, [codeItem(sourcePurpose)]),
      ],
    ]),
    encodeSequence(0x00089215, plan.model.codes.map(codeItem)),
  ];
}

/** SOP class by SOP Instance UID, by series, by study. */
type Evidence = Map<string, Map<string, Map<string, string>>>;

/** Every instance that a Source Image Sequence in the groups names: the source itself, and what its own evidence named. */
function evidence(source: DataSet): Written {
  const all: Evidence = new Map();
  const add = (study: string, series: string, instance: string, sopClass: string): void => {
    const ofStudy = all.get(study) ?? new Map<string, Map<string, string>>();
    const ofSeries = ofStudy.get(series) ?? new Map<string, string>();
    all.set(study, ofStudy.set(series, ofSeries.set(instance, sopClass)));
  };
  for (const study of items(source, 'SourceImageEvidenceSequence')) {
    for (const series of items(study, 'ReferencedSeriesSequence')) {
      for (const one of items(series, 'ReferencedSOPSequence')) {
        const uid = text(one, 'ReferencedSOPInstanceUID') ?? '';
        const sopClass = text(one, 'ReferencedSOPClassUID') ?? '';
        add(text(study, 'StudyInstanceUID') ?? '', text(series, 'SeriesInstanceUID') ?? '', uid, sopClass);
      }
    }
  }
  const own = (keyword: string): string => text(source, keyword) ?? '';
  add(own('StudyInstanceUID'), own('SeriesInstanceUID'), sourceUidOf(source), own('SOPClassUID'));
  const seriesItem = ([uid, instances]: [string, Map<string, string>]): Uint8Array[] => [
    encodeSequence(
      0x00081199,
      [...instances].map(([instance, sopClass]) => [
        encodeElement(0x00081150, 'UI', sopClass),
        encodeElement(0x00081155, 'UI', instance),
      ]),
    ),
    encodeElement(0x0020000e, 'UI', uid),
  ];
  return writtenSequence(
    'SourceImageEvidenceSequence',
    [...all].map(([study, ofStudy]) => [
      encodeSequence(0x00081115, [...ofStudy].map(seriesItem)),
      encodeElement(0x0020000d, 'UI', study),
    ]),
  );
}

/** A part of a concatenation becomes the same part of another one. */
function concatenation(source: DataSet, plan: DerivationPlan): Written[] {
  return (['ConcatenationUID', 'SOPInstanceUIDOfConcatenationSource'] as const).flatMap((keyword) => {
    const uid = text(source, keyword);
    return uid === null ? [] : [written(keyword, derivedConcatenationUid(plan.seriesInstanceUid, uid))];
  });
}
