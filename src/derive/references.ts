// How and from what the derived object was made: derivation codes and source images (conformance 3.5; PS3.3 C.7.6.1.1.3, C.12.4).
import type { DataSet } from '../dicom/data-set.js';
import { encodeElement, encodeSequence } from '../dicom/element.js';
import { copiedItem } from '../dicom/explicit-le.js';
import { items, text } from '../dicom/values.js';
import { selectionOf, writtenSequence } from './encode.js';
import type { Written } from './encode.js';
import { codeItem } from './equipment.js';
import { sourceUidOf } from './identity.js';
import { isNewGrid } from './plan.js';
import type { DerivationPlan } from './plan.js';

/** CID 7202: why a source image is named. */
export const sourcePurpose = {
  value: '121322',
  scheme: 'DCM',
  meaning: 'Source image for image processing operation',
} as const;

/** Derivation Code Sequence, the source's steps in front, and Source Image Sequence, the slice of the same position first. */
export function referenceElements(source: DataSet, plan: DerivationPlan): Written[] {
  const { dropped } = selectionOf(plan);
  const steps = items(source, 'DerivationCodeSequence').map((item) => copiedItem(item, dropped));
  const uid = sourceUidOf(source);
  const seen = [uid, ...(plan.contextSlices?.get(uid) ?? [])];
  const sopClass = text(source, 'SOPClassUID') ?? '';
  const preserved = isNewGrid(plan) ? 'NO' : 'YES';
  return [
    writtenSequence('DerivationCodeSequence', [...steps, ...plan.model.codes.map(codeItem)]),
    writtenSequence(
      'SourceImageSequence',
      seen.map((instance) => [
        encodeElement(0x00081150, 'UI', sopClass),
        encodeElement(0x00081155, 'UI', instance),
        encodeElement(0x0028135a, 'CS', preserved),
        encodeSequence(0x0040a170, [codeItem(sourcePurpose)]),
      ]),
    ),
  ];
}
