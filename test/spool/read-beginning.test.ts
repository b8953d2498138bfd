// Headers that hold as many elements as a header may: reading them must not take the memory of the process that receives.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { encodeElement, header, itemHeader, joined } from '../../src/dicom/element.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { withFolder } from '../support/temporary.js';

const run = promisify(execFile);
const readers = 12;
const items = 250_000;
const perFrameTag = 0x52009230;

/** Per-frame functional groups that hold nothing, in front of no pixels. */
function manyItems(transferSyntaxUid: string): Uint8Array {
  const sopClassUid = '1.2.840.10008.5.1.4.1.1.2.1';
  const item = itemHeader(0xfffee000, 0);
  const groups = new Uint8Array(items * item.length);
  for (let index = 0; index < items; index++) groups.set(item, index * item.length);
  const dataSet = joined([
    encodeElement(0x00080016, 'UI', sopClassUid),
    header(perFrameTag, 'SQ', groups.length),
    groups,
    encodeElement(0x7fe00010, 'OW', new Uint8Array(2)),
  ]);
  const isDeflated = transferSyntaxUid.endsWith('.99');
  const meta = writeFileMeta({ sopClassUid, sopInstanceUid: '2.25.1', transferSyntaxUid });
  return joined([meta, isDeflated ? deflateRawSync(dataSet) : dataSet]);
}

it.each([
  ['as they stand', '1.2.840.10008.1.2.1'],
  ['deflated, of a few KB each', '1.2.840.10008.1.2.1.99'],
])(
  'long headers that are asked for at once are read one by one: %s',
  async (_, transferSyntaxUid) => {
    await withFolder(async (folder) => {
      const file = join(folder, 'long.dcm');
      await writeFile(file, manyItems(transferSyntaxUid));
      const module = new URL('../../src/spool/read-beginning.js', import.meta.url);
      const script = `
      const { readBeginning } = await import('${module.href}');
      const itemsOf = async () => (await readBeginning('${file}')).dataSet.get(${perFrameTag}).items.length;
      const found = await Promise.all(Array.from({ length: ${readers} }, itemsOf));
      process.stdout.write(String(found.reduce((sum, one) => sum + one, 0)));`;
      // Twelve at once take several times this.
      const { stdout } = await run(process.execPath, [
        '--max-old-space-size=200',
        '--input-type=module',
        '--eval',
        script,
      ]);
      expect(Number(stdout)).toBe(readers * items);
    });
  },
  120_000,
);
