// Own check: limpid as equipment, the scanner and the model as contributors (conformance 3.5).
import { modelDeviceUid } from '../dicom/uid.js';
import { find, hasValue, items, text, texts } from '../dicom/values.js';
import { version } from '../version.js';
import { institutionKeywords } from './attributes.js';
import type { Check } from './faults.js';
import { codesOf } from './check-codes.js';
import { sameElement, sameItem } from './check-kept.js';
import { movedEquipment } from './equipment.js';

export function checkEquipment(check: Check): void {
  const { source, derived, plan, selection, fault } = check;
  const [from, to] = [source.dataSet, derived.dataSet];
  if (text(to, 'Manufacturer') !== 'limpid') fault('EQUIP', 'Manufacturer is not limpid, which made the object');
  if (text(to, 'ManufacturerModelName') !== 'limpid') fault('EQUIP', 'Manufacturer Model Name is not limpid');
  for (const keyword of ['StationName', 'DeviceSerialNumber'])
    if (text(to, keyword) === null) fault('EQUIP', `${keyword} is missing`);
  if (texts(to, 'SoftwareVersions').join('\\') !== `limpid ${version}\\${plan.model.id} ${plan.model.version}`) {
    fault('EQUIP', 'Software Versions do not name limpid and the model');
  }
  const former = items(from, 'ContributingEquipmentSequence');
  const all = items(to, 'ContributingEquipmentSequence');
  if (!former.every((item, index) => sameItem(item, all[index], selection.dropped)))
    fault('EQUIP', "the source's contributors are not in front");
  if (all.length !== former.length + 2)
    fault('EQUIP', `${all.length - former.length} new contributors, not scanner and model`);
  checkInstitution(check);
  checkScanner(check);
  checkModel(check);
}

/** Where the site names itself, its words and not the source's codes. */
function checkInstitution({ derived, plan, fault }: Check): void {
  const { institution = {} } = plan.node;
  for (const { part, keyword, code } of institutionKeywords) {
    if (institution[part] === undefined) continue;
    if (text(derived.dataSet, keyword) !== institution[part]) fault('EQUIP', `${keyword} is not the site's`);
    if (code !== null && find(derived.dataSet, code) !== undefined) fault('EQUIP', `${code} is of another ${part}`);
  }
}

function purposeOf(item: Parameters<typeof codesOf>[0]): string {
  return codesOf(item, 'PurposeOfReferenceCodeSequence')
    .map(({ value, scheme, meaning }) => `${value} ${scheme}${meaning === '' ? ' without meaning' : ''}`)
    .join();
}

function checkScanner({ source, derived, selection, fault }: Check): void {
  const scanner = items(derived.dataSet, 'ContributingEquipmentSequence').at(-2);
  if (scanner === undefined) return fault('EQUIP', 'no item for the equipment that made the source');
  const purpose = texts(source.dataSet, 'ImageType')[0] === 'ORIGINAL' ? '109101 DCM' : '109102 DCM';
  if (purposeOf(scanner) !== purpose) fault('EQUIP', `purpose of the source's equipment is not ${purpose}`);
  for (const keyword of movedEquipment) {
    const element = find(source.dataSet, keyword);
    if (element === undefined || !hasValue(source.dataSet, keyword)) continue;
    const found = find(scanner, keyword);
    if (found === undefined || !sameElement(source.dataSet, element, scanner, found, selection.dropped))
      fault('EQUIP', `the source's ${keyword} is lost`);
  }
  if (text(scanner, 'Manufacturer') === null) fault('EQUIP', "the source's equipment has no Manufacturer");
}

function checkModel({ derived, plan, fault }: Check): void {
  const model = items(derived.dataSet, 'ContributingEquipmentSequence').at(-1);
  if (model === undefined) return fault('EQUIP', 'no item for the model');
  if (purposeOf(model) !== '109102 DCM') fault('EQUIP', "the model's purpose is not 109102 DCM");
  if (text(model, 'ManufacturerModelName') !== plan.model.id) fault('EQUIP', "the model's item names another model");
  if (text(model, 'DeviceUID') !== modelDeviceUid(plan.model.sha256))
    fault('EQUIP', "the model's Device UID is not the recipe's");
  const versions = `${plan.model.version}\\sha256:${plan.model.sha256.slice(0, 32)}`;
  if (texts(model, 'SoftwareVersions').join('\\') !== versions) fault('EQUIP', "the model's version is wrong");
  for (const keyword of ['Manufacturer', 'ContributionDateTime', 'ContributionDescription']) {
    if (text(model, keyword) === null) fault('EQUIP', `the model's item has no ${keyword}`);
  }
}
