// Own check: UIDs by the recipe, Image Type, numbers, times, qualification (conformance 3.1, 3.5, 5).
import { formatDa, formatTm, parseDa, parseTm } from '../dicom/datetime.js';
import { hasFunctionalGroups } from '../dicom/functional-groups.js';
import { derivedInstanceUid, derivedSeriesUid, isUid } from '../dicom/uid.js';
import { number, text, texts } from '../dicom/values.js';
import { expectedFrameType } from './check-functional-groups.js';
import type { Check } from './faults.js';
import { qualificationOf } from './derive-instance.js';
import { offsetOf } from './identity.js';

export function checkIdentity(check: Check): void {
  const { source, derived, plan, fault } = check;
  const [from, to] = [source.dataSet, derived.dataSet];
  const sourceUid = text(from, 'SOPInstanceUID') ?? '';
  for (const keyword of ['SOPInstanceUID', 'SeriesInstanceUID', 'StudyInstanceUID']) {
    if (!isUid(text(from, keyword) ?? '')) fault('UID', `the source's ${keyword} is no UID`);
  }
  const series = derivedSeriesUid({
    sourceSeriesInstanceUid: text(from, 'SeriesInstanceUID') ?? '',
    modelId: plan.model.id,
    modelVersion: plan.model.version,
    modelSha256: plan.model.sha256,
    settingsSha256: plan.settingsSha256,
    sourceSetDigest: plan.sourceSetDigest,
    pipeline: plan.pipeline,
    remake: plan.remake,
  });
  if (text(to, 'SeriesInstanceUID') !== series) fault('UID', 'Series Instance UID is not the recipe’s');
  if (text(to, 'SOPInstanceUID') !== derivedInstanceUid(series, sourceUid))
    fault('UID', 'SOP Instance UID is not the recipe’s');

  const former = texts(from, 'ImageType');
  // In ultrasound value 4 keeps its place.
  const fourthOfUs = text(from, 'Modality') === 'US' && former.length < 4 ? [''] : [];
  const expected = hasFunctionalGroups(from)
    ? expectedFrameType(former, plan)
    : ['DERIVED', 'SECONDARY', ...(former.length > 2 ? former.slice(2) : ['']), ...fourthOfUs, 'LIMPID'];
  const found = texts(to, 'ImageType');
  if (found.join('\\') !== expected.join('\\')) fault('IMGTYPE', `is ${found.length} values that are not the rule's`);

  if (number(to, 'SeriesNumber') !== plan.series.number) fault('TEXT', 'Series Number is not the plan’s');
  const instanceNumber =
    plan.instanceNumbers === 'kept' ? number(from, 'InstanceNumber') : (plan.instanceNumbers.get(sourceUid) ?? null);
  if (number(to, 'InstanceNumber') !== instanceNumber) fault('NUMBER', 'Instance Number differs');
  if (text(to, 'ContentQualification') !== qualificationOf(source, plan))
    fault('QUAL', 'Content Qualification is not the plan’s');
  checkTimes(check);
}

function checkTimes({ source, derived, plan, fault }: Check): void {
  const offset = offsetOf(source.dataSet);
  for (const name of ['Series', 'Content', 'InstanceCreation']) {
    if (parseDa(text(derived.dataSet, `${name}Date`) ?? '') === null) fault('TIME', `${name}Date is no date`);
    if (parseTm(text(derived.dataSet, `${name}Time`) ?? '') === null) fault('TIME', `${name}Time is no time`);
  }
  const began = formatDa(plan.startedAtMs, offset) + formatTm(plan.startedAtMs, offset);
  const at = (name: string): string =>
    `${text(derived.dataSet, `${name}Date`) ?? ''}${text(derived.dataSet, `${name}Time`) ?? ''}`;
  if (at('Series') !== began) fault('TIME', 'Series Date and Time are not when derivation began');
  for (const name of ['Content', 'InstanceCreation'])
    if (at(name) < began) fault('TIME', `${name} lies before the derivation`);
}
