// check_series.py with dciodvfy, dcentvfy and dcmdump: judges derived files against their sources from outside.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const python = '/usr/bin/python3';
const judge = fileURLToPath(new URL('../../../../shared/tools/conformance/check_series.py', import.meta.url));

/** Whether the judge and what it needs are here. */
export const judgeIsReady = existsSync(judge) && spawnSync(python, ['-c', 'import pydicom, numpy']).status === 0;

/** What the judge prints of a series: PASS, or its faults. */
export function judged(series: readonly { readonly source: Uint8Array; readonly derived: Uint8Array }[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-judged-'));
  try {
    const [from, to] = [join(folder, 'source'), join(folder, 'derived')];
    for (const place of [from, to]) mkdirSync(place);
    for (const [index, { source, derived }] of series.entries()) {
      writeFileSync(join(from, `${index}.dcm`), source);
      writeFileSync(join(to, `${index}.dcm`), derived);
    }
    const { stdout, stderr } = spawnSync(python, [judge, from, to], { encoding: 'utf8' });
    return (stdout + stderr).trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
