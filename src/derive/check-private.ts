// Own check: limpid's private block says what the plan says (conformance 13).
import { number, text } from '../dicom/values.js';
import { sha256Of } from '../dicom/uid.js';
import type { Check } from './faults.js';
import { privateCreator, privateElements, privateGroup, privateValues } from './private-block.js';

export function checkPrivate({ derived, plan, fault }: Check): void {
  const ds = derived.dataSet;
  const first = privateGroup * 0x10000;
  const creator = ds.elements.find(
    ({ tag }) => tag >= first + 0x10 && tag <= first + 0xff && text(ds, tag) === privateCreator,
  );
  if (creator === undefined) return fault('PRIVATE', 'the block of creator LIMPID is missing');
  const base = first + (creator.tag & 0xff) * 0x100;
  // Figures of the slice are not part of the plan: any number will do.
  for (const { element, vr, value } of privateValues(plan, { noiseBefore: null, noiseAfter: null })) {
    const tag = base + element;
    const found = ds.get(tag);
    const figure = element === privateElements.noiseBefore.element || element === privateElements.noiseAfter.element;
    if (figure && (found === undefined || number(ds, tag) !== null)) continue;
    const expected = value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
    const own = found === undefined ? null : typeof expected === 'number' ? number(ds, tag) : text(ds, tag);
    if (own !== expected || (found !== undefined && found.vr !== vr)) {
      fault('PRIVATE', `element xx${element.toString(16).padStart(2, '0')} of the block is not the plan's`);
    }
  }
  for (const { tag } of ds.elements) {
    const known = Object.values(privateElements).some(({ element }) => tag === base + element);
    if (tag >>> 16 === privateGroup && tag !== creator.tag && !known)
      fault('PRIVATE', 'an element that the block does not define');
  }
  if (sha256Of(plan.settings) !== plan.settingsSha256) fault('UID', "the settings' digest is not that of the settings");
}
