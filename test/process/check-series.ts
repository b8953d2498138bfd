// The outside judge of derived series: shares no code with limpid. Used where it is at hand.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Its place. */
export const judge = fileURLToPath(new URL('../../../../shared/tools/conformance/check_series.py', import.meta.url));
const run = promisify(execFile);

/** Why the judge cannot be asked here; null where it can. */
export function judgeMissing(): string | null {
  return existsSync(judge) && existsSync('/usr/bin/python3') ? null : 'needs ../shared/tools and /usr/bin/python3';
}

/** What it prints of a derived series: `PASS`, or a line for each fault. */
export async function checkSeries(source: string, derived: string): Promise<string> {
  try {
    return (await run('/usr/bin/python3', [judge, source, derived], { timeout: 120_000 })).stdout.trim();
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return `${stdout ?? ''}${stderr ?? ''}`.trim();
  }
}
