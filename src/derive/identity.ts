// Who the derived object is: UIDs, numbers, times, Image Type (conformance 3.1, 3.5, 5).
import type { DataSet } from '../dicom/data-set.js';
import { formatDa, formatTm, parseOffset } from '../dicom/datetime.js';
import { joined } from '../dicom/element.js';
import { hasFunctionalGroups } from '../dicom/functional-groups.js';
import { derivedInstanceUid, isUid } from '../dicom/uid.js';
import { text, texts } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { written } from './encode.js';
import type { Written } from './encode.js';
import { isNewGrid } from './plan.js';
import type { DerivationPlan } from './plan.js';
import { rawText } from './raw-text.js';

const backslash = 0x5c;
const mark = Uint8Array.from('LIMPID', (letter) => letter.charCodeAt(0));

/** The zone that times are written in: the source's, if it names one. */
export function offsetOf(source: DataSet): number | null {
  return parseOffset(text(source, 'TimezoneOffsetFromUTC') ?? '');
}

/**
 * SOP Instance UID of a source instance.
 * @throws LimpidError DERIVE_CHECK_FAILED where one of the source's identifiers is no UID: nothing can be traced back to it
 */
export function sourceUidOf(source: DataSet): string {
  for (const keyword of ['SOPInstanceUID', 'SeriesInstanceUID', 'StudyInstanceUID']) {
    if (!isUid(text(source, keyword) ?? '')) {
      throw new LimpidError('DERIVE_CHECK_FAILED', `the source's ${keyword} is no UID`);
    }
  }
  return text(source, 'SOPInstanceUID') ?? '';
}

/**
 * Image Type or Frame Type of an object with functional groups: DERIVED, PRIMARY, value 3, and value 4 where it says something
 * (conformance 3.2; PS3.3 C.8.16.1). There may be no other value, so no LIMPID either.
 */
export function enhancedType(former: readonly string[], plan: DerivationPlan): string {
  const [, , third = '', fourth = ''] = former;
  const own = fourth === '' || fourth === 'NONE' ? (isNewGrid(plan) ? 'RESAMPLED' : 'FILTERED') : fourth;
  return ['DERIVED', 'PRIMARY', third, own].join('\\');
}

/** Image Type of a classic object: DERIVED, SECONDARY, then the source's value 3 and on, then LIMPID. */
export function derivedImageType(source: DataSet): Uint8Array {
  const value = rawText(source, 'ImageType');
  const rest: Uint8Array[] = [];
  for (let start = 0, index = 0; start <= value.length && value.length > 0; index++) {
    const next = value.indexOf(backslash, start);
    const end = next === -1 ? value.length : next;
    if (index >= 2) rest.push(value.subarray(start, end));
    start = end + 1;
  }
  // Value 3 keeps its place, and in ultrasound value 4 too, for what the source does not say.
  const needed = text(source, 'Modality') === 'US' ? 2 : 1;
  while (rest.length < needed) rest.push(new Uint8Array(0));
  const first = Uint8Array.from('DERIVED\\SECONDARY', (letter) => letter.charCodeAt(0));
  const separator = Uint8Array.of(backslash);
  return joined([first, ...[...rest, mark].flatMap((part) => [separator, part])]);
}

/** UIDs, numbers, times and Image Type of one instance. */
export function identityElements(source: DataSet, plan: DerivationPlan, nowMs: number): Written[] {
  const uid = sourceUidOf(source);
  const offset = offsetOf(source);
  const elements = [
    written('SOPInstanceUID', derivedInstanceUid(plan.seriesInstanceUid, uid)),
    written('SeriesInstanceUID', plan.seriesInstanceUid),
    written('SeriesNumber', String(plan.series.number)),
    written(
      'ImageType',
      hasFunctionalGroups(source) ? enhancedType(texts(source, 'ImageType'), plan) : derivedImageType(source),
    ),
    written('InstanceCreationDate', formatDa(nowMs, offset)),
    written('InstanceCreationTime', formatTm(nowMs, offset)),
    written('ContentDate', formatDa(nowMs, offset)),
    written('ContentTime', formatTm(nowMs, offset)),
    written('SeriesDate', formatDa(plan.startedAtMs, offset)),
    written('SeriesTime', formatTm(plan.startedAtMs, offset)),
  ];
  const instanceNumber =
    plan.instanceNumbers === 'kept' ? rawText(source, 'InstanceNumber') : plan.instanceNumbers.get(uid);
  // Type 2: present also where it is not known.
  elements.push(
    written('InstanceNumber', typeof instanceNumber === 'number' ? String(instanceNumber) : (instanceNumber ?? '')),
  );
  return elements;
}
