import type { InstanceRecord, SeriesRecord } from '../spool/records.js';

/**
 * What a requeue works on. Where an instance came twice with other bytes, a person who asks again means the second copy: it takes
 * the first one's place, and since SOP Instance UIDs stay the same, the derived series needs new ones (`remake`). Of an instance
 * that came a third time nobody can say which copy is meant: it stays held.
 *
 * @param newUids a person asked for them, or what was made is withdrawn
 */
export function requeued(
  record: SeriesRecord,
  newUids: boolean,
): Pick<SeriesRecord, 'instances' | 'variants' | 'remake'> {
  const copies = new Map<string, InstanceRecord[]>();
  for (const variant of record.variants) {
    copies.set(variant.sopInstanceUid, [...(copies.get(variant.sopInstanceUid) ?? []), variant]);
  }
  const only = ({ sopInstanceUid }: InstanceRecord): InstanceRecord | null => {
    const [one, ...more] = copies.get(sopInstanceUid) ?? [];
    return one === undefined || more.length > 0 ? null : one;
  };
  const instances = record.instances.map((instance) => only(instance) ?? instance);
  const taken = instances.some((instance, index) => instance !== record.instances[index]);
  return {
    instances,
    variants: record.variants.filter((variant) => only(variant) === null),
    remake: record.remake + (newUids || taken ? 1 : 0),
  };
}
