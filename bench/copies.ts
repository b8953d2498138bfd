// Series of any length from one slice: the same pixels under other instance UIDs, numbers and positions.
import { readFile, rm } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outgoing } from '../src/io/dimse/outgoing.js';
import { readOutgoing } from '../src/io/dimse/outgoing.js';
import { writeSyntheticSeries } from '../test/support/synthetic-series.js';

/** Stands in the template where the copy's number comes. */
const place = '0#0#0#';

export interface Template {
  readonly bytes: Buffer;
  readonly outgoing: Outgoing;
}

/** A CT slice of 512 x 512 whose copies make a series 1 mm apart; `seed` and `description` tell series apart. */
export async function templateOf(folder: string, seed: number, description: string): Promise<Template> {
  const { files } = await writeSyntheticSeries(folder, {
    modality: 'CT',
    rows: 512,
    columns: 512,
    noise: 25,
    seed,
    slices: 1,
    change: () => [
      [0x0008103e, 'LO', description],
      [0x00200013, 'IS', place],
      [0x00200032, 'DS', `-179.648438\\-179.648438\\${place}`],
      [0x00201041, 'DS', place],
      [0x00180050, 'DS', '1'],
    ],
  });
  const file = files[0] ?? '';
  const template = { bytes: await readFile(file), outgoing: await readOutgoing(file) };
  await rm(folder, { recursive: true });
  return template;
}

/** Copy `index` of a template, below a million. */
export function copyOf(template: Template, index: number): { readonly bytes: Buffer; readonly sopInstanceUid: string } {
  const bytes = Buffer.from(template.bytes);
  const digits = String(index).padStart(place.length, '0');
  const from = template.outgoing.sopInstanceUid;
  const sopInstanceUid = from.slice(0, -place.length) + digits;
  const header = bytes.subarray(0, 8192);
  for (const [old, now] of [
    [from, sopInstanceUid],
    [place, digits],
  ] as const) {
    for (let at = header.indexOf(old); at >= 0; at = header.indexOf(old, at)) at += header.write(now, at, 'latin1');
  }
  return { bytes, sopInstanceUid };
}

/** Copies that exist as files only from shortly before they are sent until they have their answer. */
export class PassingCopies {
  readonly outgoing: readonly Outgoing[];
  readonly #templates: readonly Template[];
  #written = 0;

  /** @param count of each template; copies of several templates take turns */
  constructor(folder: string, templates: readonly Template[], count: number, window: number) {
    this.#templates = templates;
    this.outgoing = Array.from({ length: count * templates.length }, (_, index) => {
      const { template, number } = this.#at(index);
      const { sopInstanceUid } = copyOf(template, number);
      return { ...template.outgoing, sopInstanceUid, file: join(folder, `${index}.dcm`) };
    });
    for (let ahead = 0; ahead < window; ahead++) this.writeNext();
  }

  /** Call it at each outcome. */
  writeNext(): void {
    const outgoing = this.outgoing[this.#written];
    if (outgoing === undefined) return;
    const { template, number } = this.#at(this.#written++);
    writeFileSync(outgoing.file, copyOf(template, number).bytes);
  }

  #at(index: number): { template: Template; number: number } {
    const template = this.#templates[index % this.#templates.length];
    if (template === undefined) throw new Error('no template');
    return { template, number: Math.floor(index / this.#templates.length) };
  }
}
