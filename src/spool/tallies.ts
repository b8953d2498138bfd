// tallies/NNN.json: what peers with a quota have stored, by the hour. The last one counts; those before it go.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LimpidError } from '../errors.js';
import { readRecord } from './read-state.js';
import { tallyRecord } from './records.js';
import type { TallyRecord } from './records.js';
import type { Spool } from './spool.js';
import { namesIn, nextNumber, threeDigits } from './write-once.js';

const numbered = (names: readonly string[]): string[] =>
  names.toSorted((one, other) => Number.parseInt(other, 10) - Number.parseInt(one, 10));

/** The hours of the newest record that can be read; none: there is no such record. */
export async function readTallies({ layout }: Pick<Spool, 'layout'>): Promise<TallyRecord['hours']> {
  for (const name of numbered(await namesIn(layout.tallies))) {
    try {
      const record = await readRecord(join(layout.tallies, name), tallyRecord);
      if (record !== null) return record.hours;
    } catch (error) {
      if (!(error instanceof LimpidError)) throw error; // one that does not fit its schema: the one before it
    }
  }
  return [];
}

/** Publishes what counts now, and takes the older records away. */
export async function recordTallies(spool: Pick<Spool, 'layout' | 'publish'>, record: TallyRecord): Promise<void> {
  const { tallies } = spool.layout;
  const older = await namesIn(tallies);
  await spool.publish(join(tallies, `${threeDigits(await nextNumber(tallies))}.json`), record);
  for (const name of older) await rm(join(tallies, name), { force: true });
}
