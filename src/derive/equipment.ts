// Which equipment made what: limpid this object, the scanner and the model contributed (conformance 3.5; PS3.3 C.12.1.1.5).
import type { DataSet } from '../dicom/data-set.js';
import { formatDt } from '../dicom/datetime.js';
import { tagOf, vrOf } from '../dicom/dictionary.js';
import { encodeElement, encodeSequence } from '../dicom/element.js';
import { copiedElement, copiedItem } from '../dicom/explicit-le.js';
import type { Drop } from '../dicom/explicit-le.js';
import { modelDeviceUid } from '../dicom/uid.js';
import { find, hasValue, items, texts } from '../dicom/values.js';
import { version } from '../version.js';
import { institutionKeywords } from './attributes.js';
import { selectionOf, written, writtenSequence } from './encode.js';
import type { Written } from './encode.js';
import { offsetOf } from './identity.js';
import type { DerivationPlan } from './plan.js';
import { asciiBytes } from './texts.js';

/** What moves from the General Equipment module into the scanner's item, in order of tags. */
export const movedEquipment = [
  'StationAETitle',
  'Manufacturer',
  'InstitutionName',
  'InstitutionAddress',
  'StationName',
  'InstitutionalDepartmentName',
  'ManufacturerModelName',
  'DeviceSerialNumber',
  'DeviceUID',
  'UDISequence',
  'ManufacturerDeviceClassUID',
  'SoftwareVersions',
  'SpatialResolution',
  'DateOfLastCalibration',
  'TimeOfLastCalibration',
  'DateOfManufacture',
  'DateOfInstallation',
] as const;

const tags = {
  manufacturer: 0x00080070,
  modelName: 0x00081090,
  deviceUid: 0x00181002,
  softwareVersions: 0x00181020,
  contributionDateTime: 0x0018a002,
  contributionDescription: 0x0018a003,
  purpose: 0x0040a170,
} as const;

/** A code item's elements (PS3.3 8.8). */
export function codeItem(code: {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}): Uint8Array[] {
  return [
    encodeElement(0x00080100, 'SH', code.value),
    encodeElement(0x00080102, 'SH', code.scheme),
    encodeElement(0x00080104, 'LO', code.meaning),
  ];
}

const acquisition = { value: '109101', scheme: 'DCM', meaning: 'Acquisition Equipment' };
const processing = { value: '109102', scheme: 'DCM', meaning: 'Processing Equipment' };

/** General Equipment of limpid, and Contributing Equipment: the source's items, the scanner, the model. */
export function equipmentElements(source: DataSet, plan: DerivationPlan, nowMs: number): Written[] {
  const { dropped } = selectionOf(plan);
  const former = items(source, 'ContributingEquipmentSequence').map((item) => copiedItem(item, dropped));
  const { id, version: modelVersion } = plan.model;
  return [
    written('Manufacturer', 'limpid'),
    written('ManufacturerModelName', 'limpid'),
    written('StationName', plan.node.stationName.slice(0, 16)),
    written('DeviceSerialNumber', plan.node.deviceSerialNumber.slice(0, 64)),
    written('SoftwareVersions', `limpid ${version}\\${id} ${modelVersion}`),
    ...institutionElements(plan),
    writtenSequence('ContributingEquipmentSequence', [
      ...former,
      scannerItem(source, dropped),
      modelItem(source, plan, nowMs),
    ]),
  ];
}

/** What the site says of itself; the source's words move into the scanner's item in any case. */
function institutionElements({ node: { institution = {} } }: DerivationPlan): Written[] {
  return institutionKeywords.flatMap(({ part, keyword }) => {
    const [value, tag] = [institution[part], tagOf(keyword)];
    return value === undefined || tag === undefined
      ? []
      : [{ tag, bytes: encodeElement(tag, vrOf(tag), asciiBytes(value)) }];
  });
}

function scannerItem(source: DataSet, dropped: Drop): Uint8Array[] {
  const elements: Uint8Array[] = [];
  for (const keyword of movedEquipment) {
    const element = find(source, keyword);
    if (element !== undefined && hasValue(source, keyword)) elements.push(...copiedElement(source, element, dropped));
    else if (keyword === 'Manufacturer') elements.push(encodeElement(tags.manufacturer, 'LO', 'unknown'));
  }
  const purpose = texts(source, 'ImageType')[0] === 'ORIGINAL' ? acquisition : processing;
  elements.push(encodeSequence(tags.purpose, [codeItem(purpose)]));
  return elements;
}

function modelItem(source: DataSet, plan: DerivationPlan, nowMs: number): Uint8Array[] {
  const { model } = plan;
  const description = asciiBytes(`${model.words}, settings ${plan.settings}`).subarray(0, 1024);
  return [
    encodeElement(tags.manufacturer, vrOf(tags.manufacturer), asciiBytes(model.maker).subarray(0, 64)),
    encodeElement(tags.modelName, 'LO', model.id),
    encodeElement(tags.deviceUid, 'UI', modelDeviceUid(model.sha256)),
    encodeElement(tags.softwareVersions, 'LO', `${model.version}\\sha256:${model.sha256.slice(0, 32)}`),
    encodeElement(tags.contributionDateTime, 'DT', formatDt(nowMs, offsetOf(source))),
    encodeElement(tags.contributionDescription, 'ST', description),
    encodeSequence(tags.purpose, [codeItem(processing)]),
  ];
}
