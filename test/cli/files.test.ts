// Commands on files, without a node: rules, models, enhance.
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { quickConfig } from '../../demo/start-node.js';
import { readInstance } from '../../src/dicom/file.js';
import { text } from '../../src/dicom/values.js';
import { outcomeRecord } from '../../src/spool/records.js';
import { limpid } from '../support/limpid.js';
import { modelsDirectory as models, shippedModels } from '../support/shipped-models.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const phantom = { modality: 'CT', slices: 4, rows: 64, columns: 64, noise: 20, seed: 1 } as const;

describe('models', () => {
  it('list names each model and filter; verify runs them all', async () => {
    const list = await limpid('models', 'list', '--json');
    const ids = z
      .array(z.object({ id: z.string() }))
      .parse(JSON.parse(list.out))
      .map(({ id }) => id);
    expect(ids).toEqual(shippedModels);
    expect(await limpid('models', 'verify')).toMatchObject({ status: 0, out: ids.map((id) => `ok  ${id}\n`).join('') });
  });

  it('verify refuses a model of which one byte has changed, and says why', async () => {
    await withFolder(async (folder) => {
      for (const id of ['ct-low-dose', 'gaussian']) await cp(join(models, id), join(folder, id), { recursive: true });
      const file = join(folder, 'ct-low-dose', 'model.onnx');
      const bytes = await readFile(file);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await writeFile(file, bytes);
      const { status, out } = await limpid('models', 'verify', '--models', folder);
      expect(status).toBe(1);
      expect(out).toMatch(/^bad ct-low-dose: .*SHA-256/m);
      expect(out).toContain('ok  gaussian');
    });
  });
});

describe('rules', () => {
  it('check tells the rules; test explains each condition of a series, and gives the decision as JSON', async () => {
    await withFolder(async (folder) => {
      await writeSyntheticSeries(join(folder, 'series'), phantom);
      await writeFile(join(folder, 'series', 'notes.txt'), 'no DICOM');
      const file = join(folder, 'limpid.yaml');
      const rules = [
        { name: 'thin-heads', when: { all: [{ Modality: 'CT' }, { BodyPartExamined: 'HEAD' }] }, forward: ['pacs'] },
        {
          name: 'thin',
          when: { all: [{ SliceThickness: { atMost: 3 } }, { not: { Modality: 'MR' } }, { CallingAE: 'CT1' }] },
          enhance: [{ with: 'gaussian' }],
          deliver: ['pacs'],
        },
      ];
      const peers = { pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: 104 }, ct1: { aeTitle: 'CT1' } };
      await writeFile(file, JSON.stringify(quickConfig({ peers, rules })));
      const check = await limpid('rules', 'check', '--config', file);
      expect(check).toMatchObject({ status: 0, out: expect.stringMatching(/2 {2}thin +gaussian/) });
      const args = ['rules', 'test', join(folder, 'series'), '--config', file, '--calling', 'CT1'];
      const { status, out, err } = await limpid(...args);
      expect(status).toBe(0);
      expect(err).toMatch(/^left out .*notes\.txt: /);
      expect(out).toMatch(/^series \w{26}, 4 instances: .*series\/[^/]+\.dcm, \.\.\.$/m);
      expect(out).toMatch(/✗ rule thin-heads/);
      expect(out).toMatch(/✓ Modality equals CT +found CT/);
      expect(out).toMatch(/✗ BodyPartExamined equals HEAD +found ABDOMEN/);
      expect(out).toMatch(/✓ rule thin$/m);
      expect(out).toMatch(/✓ SliceThickness atMost 3 +found 2/);
      expect(out).toMatch(/✓ CallingAE equals CT1/);
      expect(out).toMatch(/task 1 gaussian-[0-9a-f]{8}, strength 0\.4, of rule thin: runs, to pacs/);
      const json = z.object({ series: z.array(z.unknown()) }).parse(JSON.parse((await limpid(...args, '--json')).out));
      expect(json.series).toEqual([
        expect.objectContaining({
          instances: 4,
          rules: [expect.objectContaining({ matched: false }), expect.objectContaining({ matched: true })],
          tasks: [expect.objectContaining({ gate: { verdict: 'run', reasons: [], warnings: [] } })],
        }),
      ]);
      // What `auto` takes, and how strongly, follows from the noise: it is measured, as a node does it.
      await writeFile(
        file,
        JSON.stringify(
          quickConfig({ peers, rules: [{ name: 'auto', enhance: [{ with: 'auto' }], deliver: ['pacs'] }] }),
        ),
      );
      expect((await limpid(...args)).out).toMatch(
        /strength 0\.25, [^]* ✓ nlm: fits \(noise 2\d\.\d, degradation light\)/,
      );
      await writeFile(file, JSON.stringify(quickConfig({ peers, rules })));
      const otherwise = await limpid('rules', 'test', join(folder, 'series'), '--config', file);
      expect(otherwise.out).toContain('NO_RULE');
    });
  });

  it('test tells where a node would refuse the caller, or has several peers for it', async () => {
    await withFolder(async (folder) => {
      await writeSyntheticSeries(join(folder, 'series'), phantom);
      const file = join(folder, 'limpid.yaml');
      const peers = {
        pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: 104, receive: { store: 'refuse' } },
        east: { aeTitle: 'CT1', from: ['10.1.0.1'] },
        west: { aeTitle: 'CT1', from: ['10.1.0.2'] },
      };
      const rules = [{ name: 'west', when: { Peer: 'west' }, forward: ['pacs'] }];
      await writeFile(file, JSON.stringify({ node: { aeTitle: 'LIMPID' }, peers, rules }));
      const told = async (calling: string): Promise<string> => {
        const args = ['rules', 'test', join(folder, 'series'), '--config', file, '--calling', calling, '--json'];
        const { status, out, err } = await limpid(...args);
        expect({
          status,
          series: z.object({ series: z.array(z.unknown()) }).parse(JSON.parse(out)).series.length,
        }).toEqual({
          status: 0,
          series: 1,
        });
        return err.trim();
      };
      const refused = 'a node would refuse what is tried here';
      expect(await told('CT1')).toBe('look east, west call as CT1: the rules are tried as of east');
      expect(await told('ct1')).toBe(`look no peer calls as ct1; did you mean CT1?: ${refused}`);
      expect(await told('PACS')).toBe(`look PACS may not store here: ${refused}`);
    });
  });
});

describe('enhance', () => {
  it('writes objects, outcome and panels of each series, and tells what it left out', async () => {
    await withFolder(async (folder) => {
      await writeSyntheticSeries(join(folder, 'in', 'a'), phantom);
      await writeSyntheticSeries(join(folder, 'in', 'b'), { ...phantom, modality: 'MR', seed: 2 });
      await writeFile(join(folder, 'in', 'notes.txt'), 'no DICOM');
      const out = join(folder, 'out');
      const config = join(folder, 'limpid.yaml');
      const node = { aeTitle: 'LIMPID', name: 'ct-room', institution: { department: 'Radiology' } };
      await writeFile(config, JSON.stringify({ node }));
      const ran = await limpid('enhance', join(folder, 'in'), '--with', 'gaussian', '--out', out, '--config', config);
      expect(ran).toMatchObject({ status: 0, err: expect.stringMatching(/^left out .*notes\.txt: /) });
      expect(ran.out.match(/ enhanced /g)).toHaveLength(2);
      for (const key of await readdir(out)) {
        const [task = ''] = await readdir(join(out, key));
        expect(task).toMatch(/^gaussian-[0-9a-f]{8}$/);
        const outcome = outcomeRecord.parse(JSON.parse(await readFile(join(out, key, task, 'outcome.json'), 'utf8')));
        expect(outcome).toMatchObject({ outcome: 'enhanced', sameAs: null });
        expect(await readdir(join(out, key, task, 'objects'))).toEqual(outcome.instances.map(({ file }) => file));
        const { dataSet } = readInstance(
          await readFile(join(out, key, task, 'objects', outcome.instances[0]?.file ?? '')),
        );
        expect([text(dataSet, 'StationName'), text(dataSet, 'InstitutionalDepartmentName')]).toEqual([
          'ct-room',
          'Radiology',
        ]);
        const pictures = await readdir(join(out, key, task, 'panels'));
        expect(pictures).toEqual(['00001.png', '00002.png', '00003.png', '00004.png']);
      }
    });
  });

  it('a series outside the intended use is skipped with the reason, exit 1', async () => {
    await withFolder(async (folder) => {
      await writeSyntheticSeries(join(folder, 'in'), { ...phantom, modality: 'MR' });
      const ran = await limpid('enhance', join(folder, 'in'), '--with', 'ct-low-dose', '--out', join(folder, 'out'));
      expect(ran).toMatchObject({ status: 1, out: expect.stringMatching(/skipped +OUTSIDE_INTENDED_USE: modality/) });
    });
  });
});
