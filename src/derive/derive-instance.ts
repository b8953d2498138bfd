// One derived instance: the source's header, edited, around new pixels.
import type { Instance } from '../dicom/file.js';
import { joined } from '../dicom/element.js';
import { hasFunctionalGroups } from '../dicom/functional-groups.js';
import { writeFileMeta } from '../dicom/part10.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import { derivedInstanceUid } from '../dicom/uid.js';
import { derivedClasses, explicitLittleEndian } from '../dicom/uids.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { encodedDataSet, selectionOf, written } from './encode.js';
import type { Written } from './encode.js';
import { equipmentElements } from './equipment.js';
import { identityElements, sourceUidOf } from './identity.js';
import { functionalGroupElements } from './functional-groups.js';
import { headerElements, pixelElements } from './pixel-data.js';
import type { PixelRange } from './pixel-data.js';
import { gridElements } from './geometry.js';
import { derivedDescription } from './grid.js';
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
 * @throws LimpidError DERIVE_CHECK_FAILED for pixels or sources that do not fit, SOP classes that are not derived among them
 */
export function deriveInstance(
  source: SourceInstance,
  plan: DerivationPlan,
  pixels: Int32Array,
  figures: SliceFigures,
  nowMs: number,
): Uint8Array {
  const { dataSet, part10, description } = source;
  return encoded(
    source,
    plan,
    figures,
    nowMs,
    pixelElements(dataSet, derivedDescription(description, plan), pixels, part10.transferSyntaxUid),
  );
}

/**
 * An object of several frames up to its pixels' first byte: file meta group, data set, header of Pixel Data. Its length follows from
 * source and plan alone.
 * @param range of all frames' stored values
 * @throws LimpidError as deriveInstance
 */
export function deriveHeader(
  source: SourceInstance,
  plan: DerivationPlan,
  range: PixelRange,
  figures: SliceFigures,
  nowMs: number,
): Uint8Array {
  const { dataSet, part10, description } = source;
  return encoded(
    source,
    plan,
    figures,
    nowMs,
    headerElements(dataSet, derivedDescription(description, plan), range, part10.transferSyntaxUid),
  );
}

function encoded(
  source: SourceInstance,
  plan: DerivationPlan,
  figures: SliceFigures,
  nowMs: number,
  pixels: readonly Written[],
): Uint8Array {
  const { dataSet } = source;
  const sopClassUid = text(dataSet, 'SOPClassUID') ?? '';
  if (!derivedClasses.has(sopClassUid)) {
    throw new LimpidError(
      'DERIVE_CHECK_FAILED',
      'only CT, MR and ultrasound images are derived, not objects of this SOP class',
    );
  }
  const qualification = qualificationOf(source, plan);
  const elements = [
    ...identityElements(dataSet, plan, nowMs),
    ...textElements(dataSet, plan, qualification),
    ...equipmentElements(dataSet, plan, nowMs),
    ...(hasFunctionalGroups(dataSet) ? functionalGroupElements(dataSet, plan) : referenceElements(dataSet, plan)),
    ...privateBlockElements(dataSet, plan, figures),
    ...gridElements(dataSet, plan),
    ...pixels,
    written('ContentQualification', qualification),
  ];
  const meta = writeFileMeta({
    sopClassUid,
    sopInstanceUid: derivedInstanceUid(plan.seriesInstanceUid, sourceUidOf(dataSet)),
    transferSyntaxUid: explicitLittleEndian,
    ...(plan.node.aeTitle === undefined ? {} : { sourceAe: plan.node.aeTitle }),
  });
  return joined([meta, ...encodedDataSet(dataSet, selectionOf(plan), elements)]);
}
