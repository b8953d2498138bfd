// Own check: of the functional groups that a finer grid changes, that alone is other which lies on the grid (conformance 3.2, 3.4).
import type { DataSet } from '../dicom/data-set.js';
import { keywordOf, tagText, vrOf } from '../dicom/dictionary.js';
import { items, number, numbers } from '../dicom/values.js';
import { sameElement } from './check-kept.js';
import type { Check } from './faults.js';
import { newSpacing } from './geometry.js';

/** What is written anew; spacing and position of pixels are checked by where the pixels lie then. */
const ofGrid: ReadonlySet<string> = new Set(['PixelSpacing', 'ReconstructionPixelSpacing', 'ImagePositionPatient']);
/** Shares of a spacing; decimal strings have 16 characters. */
const within = 1e-9;

/** @param item groups of the source that hold the macro, @param other those of the derived object */
export function checkGridMacro(check: Check, item: DataSet, other: DataSet, macro: string, where: string): void {
  const { selection, fault } = check;
  const [before, after] = [items(item, macro), items(other, macro)];
  if (before.length !== after.length) return fault('FGROUP', `${macro} has ${after.length} items in ${where}`);
  for (const [index, from] of before.entries()) {
    const to = after[index];
    if (to === undefined) continue;
    const kept = from.elements.filter((element) => !selection.dropped(from, element));
    if (to.elements.length !== kept.length) fault('FGROUP', `${macro} has other attributes in ${where}`);
    for (const element of kept) {
      const keyword = keywordOf(element.tag) ?? tagText(element.tag);
      const found = to.get(element.tag);
      if (found === undefined) fault('FGROUP', `${keyword} is missing in ${where}`);
      else if (!ofGrid.has(keyword)) {
        if (!sameElement(from, element, to, found, selection.dropped))
          fault('FGROUP', `${keyword} differs in ${where}`);
      } else if (found.vr !== vrOf(element.tag)) fault('SYNTAX', `${keyword} has VR ${found.vr} in ${where}`);
      else if (keyword === 'ReconstructionPixelSpacing') checkSpacing(check, from, to, keyword, where);
    }
  }
}

/** A spacing that no pixel's place depends on. */
export function checkSpacing(
  { source, plan: { geometry }, fault }: Check,
  from: DataSet,
  to: DataSet,
  keyword: string,
  where: string,
): void {
  const spacing = numbers(from, keyword);
  if (geometry === undefined || spacing.length !== 2) return;
  const [rows, columns] = [number(source.dataSet, 'Rows') ?? 0, number(source.dataSet, 'Columns') ?? 0];
  const own = numbers(to, keyword);
  const isRight = newSpacing({ rows, columns, spacing }, geometry).every(
    (value, axis) => Math.abs((own[axis] ?? NaN) - value) <= within * value,
  );
  if (!isRight) fault('GEOM', `${keyword} is not that of the new grid${where === '' ? '' : ` in ${where}`}`);
}
