// Own check: the form of every value that limpid wrote (PS3.5 6.2).
import { parseDa, parseTm } from '../dicom/datetime.js';
import type { DataSet, Element } from '../dicom/data-set.js';
import { keywordOf, tagText } from '../dicom/dictionary.js';
import { isUid } from '../dicom/uid.js';
import { texts } from '../dicom/values.js';
import type { Check } from './faults.js';
import type { DerivationPlan } from './plan.js';

const forms: Readonly<Record<string, (value: string) => boolean>> = {
  CS: (value) => /^[A-Z0-9 _]{0,16}$/.test(value),
  DA: (value) => value === '' || (value.length === 8 && parseDa(value) !== null),
  TM: (value) => value === '' || (value.length <= 14 && !value.includes(':') && parseTm(value) !== null),
  DT: (value) => /^(\d{14}(\.\d{1,6})?([+-]\d{4})?)?$/.test(value),
  DS: (value) => value.length <= 16 && /^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)?$/.test(value),
  IS: (value) => value.length <= 12 && /^([+-]?\d+)?$/.test(value),
  UI: (value) => value === '' || isUid(value),
  LO: (value) => value.length <= 64,
  SH: (value) => value.length <= 16,
};

export function checkSyntax({ source, derived, plan, selection, fault }: Check): void {
  const [from, to] = [source.dataSet, derived.dataSet];
  for (const element of to.elements) {
    const former = from.get(element.tag);
    // What is kept may break rules that the source broke: limpid does not mend a vendor's header.
    if (former !== undefined && (selection.copied(from, former) || keptNumber(plan, element))) continue;
    if (element.items === null && !wellFormed(to, element)) {
      fault('SYNTAX', `${keywordOf(element.tag) ?? tagText(element.tag)} is not of the form of ${element.vr}`);
    }
  }
}

/** Instance Number is the source's own text unless the plan numbers anew. */
function keptNumber(plan: DerivationPlan, element: Element): boolean {
  return plan.instanceNumbers === 'kept' && keywordOf(element.tag) === 'InstanceNumber';
}

function wellFormed(ds: DataSet, element: Element): boolean {
  const form = forms[element.vr];
  if (form === undefined) return true;
  // Only the Image Type takes values over from a source, which may be malformed there.
  return texts(ds, element.tag).every(
    (value, index) => form(value) || (keywordOf(element.tag) === 'ImageType' && index >= 2),
  );
}
