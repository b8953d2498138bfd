// The pages that people write: what they point at is there, and what they print can be copied.
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { metrics } from '../../src/observe/metrics-table.js';
import { makeAuthority } from '../support/certificates.js';
import { limpid } from '../support/limpid.js';
import { openFolder } from '../support/temporary.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const pages = ['README.md', 'ARCHITECTURE.md', 'docs/deployment.md', 'docs/operations.md', 'docs/models.md'];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const withoutCode = (text: string): string => text.replaceAll(/```[\s\S]*?```/g, '');

/** Anchors as GitHub makes them of headings, and those that stand in the text. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .replaceAll(/<[^>]*>/g, '')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set([...headings, ...[...text.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id)]);
}

describe.each(pages)('%s', (page) => {
  it('links to files and headings that are there', () => {
    const targets = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const missing = targets
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        if (!existsSync(join(root, file))) return true;
        return anchor !== undefined && !anchorsOf(read(file)).has(anchor);
      });
    expect(missing).toEqual([]);
  });

  it('names metrics as Prometheus does, so that they can be copied', () => {
    const text = read(page);
    expect(Object.keys(metrics).filter((name) => text.includes(`\`${name}`))).toEqual([]);
    const named = [...text.matchAll(/`limpid_([a-z_]+)[`{]/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !Object.hasOwn(metrics, name))).toEqual([]);
  });
});

describe('an example of configuration', () => {
  let folder: Awaited<ReturnType<typeof openFolder>>;
  let ca: string;
  beforeAll(async () => {
    folder = await openFolder();
    ca = join(folder.path, 'ca.crt');
    await writeFile(ca, (await makeAuthority()).certificate);
  });
  afterAll(async () => {
    await folder?.remove();
  });

  const printed = (page: string): string => /```yaml\n([\s\S]*?)```/.exec(read(page))?.[1] ?? '';
  const indented = (text: string): string => text.replaceAll(/^/gm, '  ');
  const rest = 'rules: [{ name: rest, ignore: true }]';

  it.each([
    ['the rule of README.md', () => `rules:\n${indented(printed('README.md'))}`],
    [
      'the task of docs/models.md',
      () => `rules:\n- name: one\n${indented(printed('docs/models.md'))}\n  deliver: [pacs]`,
    ],
    [
      'the audit trail of docs/operations.md',
      () => `${/`(audit: \{.*\})`/.exec(read('docs/operations.md'))?.[1] ?? ''}\n${rest}`,
    ],
  ])('%s passes `config check` as it is printed', async (title, example) => {
    const text = example().replaceAll('/etc/limpid/tls/ca.crt', ca);
    const file = join(folder.path, `${title.replaceAll(/\W/g, '-')}.yaml`);
    await writeFile(
      file,
      `node: { aeTitle: LIMPID }\npeers: { pacs: { aeTitle: PACS, host: 127.0.0.1, port: 104 } }\n${text}\n`,
    );
    expect(await limpid('config', 'check', '--config', file)).toMatchObject({ status: 0 });
  });
});
