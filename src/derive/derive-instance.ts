// One derived instance: the source's header, edited, around new pixels.
import type { Instance } from '../dicom/file.js';
import { joined } from '../dicom/element.js';
import { writeFileMeta } from '../dicom/part10.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import { derivedInstanceUid } from '../dicom/uid.js';
import { classicClasses, explicitLittleEndian } from '../dicom/uids.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { derivation, encodedDataSet, written } from './encode.js';
import { equipmentElements } from './equipment.js';
import { identityElements, sourceUidOf } from './identity.js';
import { pixelElements } from './pixel-data.js';
import type { DerivationPlan, SliceFigures } from './plan.js';
import { privateBlockElements } from './private-block.js';
import { referenceElements } from './references.js';
import { textElements } from './texts.js';

/** A source instance with what its pixels are. */
export interface SourceInstance extends Instance {
  readonly description: PixelDescription;
}

/** RESEARCH, unless both the plan and the source allow more. */
export function qualificationOf(source: SourceInstance, plan: DerivationPlan): 'RESEARCH' | 'PRODUCT' {
  return text(source.dataSet, 'ContentQualification') === 'RESEARCH' ? 'RESEARCH' : plan.node.qualification;
}

/**
 * A whole Part 10 file in Explicit VR Little Endian.
 * @param pixels stored values, [row][column], within Bits Stored, padding as in the source
 * @param nowMs when the pixels were made: Content and Instance Creation Date and Time
 * @throws LimpidError DERIVE_CHECK_FAILED for pixels or sources that do not fit, SOP classes other than CT and MR Image among them
 */
export function deriveInstance(
  source: SourceInstance,
  plan: DerivationPlan,
  pixels: Int32Array,
  figures: SliceFigures,
  nowMs: number,
): Uint8Array {
  const { dataSet, part10, description } = source;
  const sopClassUid = text(dataSet, 'SOPClassUID') ?? '';
  if (!classicClasses.has(sopClassUid)) {
    throw new LimpidError('DERIVE_CHECK_FAILED', 'only CT Image and MR Image objects are derived');
  }
  const qualification = qualificationOf(source, plan);
  const elements = [
    ...identityElements(dataSet, plan, nowMs),
    ...textElements(dataSet, plan, qualification),
    ...equipmentElements(dataSet, plan, nowMs),
    ...referenceElements(dataSet, plan),
    ...privateBlockElements(dataSet, plan, figures),
    ...pixelElements(dataSet, description, pixels, part10.transferSyntaxUid),
    written('ContentQualification', qualification),
  ];
  const meta = writeFileMeta({
    sopClassUid,
    sopInstanceUid: derivedInstanceUid(plan.seriesInstanceUid, sourceUidOf(dataSet)),
    transferSyntaxUid: explicitLittleEndian,
    ...(plan.node.aeTitle === undefined ? {} : { sourceAe: plan.node.aeTitle }),
  });
  return joined([meta, ...encodedDataSet(dataSet, derivation, elements)]);
}
