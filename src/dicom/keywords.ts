// Keywords of the data dictionary (PS3.6), for suggestions where one is misspelt.
import dcmjs from 'dcmjs';

const retired = 'RETIRED_';

/** Every keyword of a standard attribute, retired ones with them. */
export function keywords(): string[] {
  return Object.keys(dcmjs.data.DicomMetaDictionary.nameMap).map((name) =>
    name.startsWith(retired) ? name.slice(retired.length) : name,
  );
}
