// One node, three kinds of destination: a folder, an archive that takes no compressed image, and a PACS that is away for a while.
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { text } from '../../src/dicom/values.js';
import { freePort } from '../support/free-port.js';
import { describeWithPeers, runTool, startOrthanc, startStoreScp } from '../support/peers.js';
import { sharedData, sharedFiles } from '../support/shared-data.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';
import { heldSeries } from './orthanc.js';

const implicit = '1.2.840.10008.1.2';

/** SOP Instance UID, transfer syntax and stored values of a file. */
async function contents(file: string): Promise<{ uid: string; syntax: string; values: Int32Array }> {
  const { dataSet, part10 } = readInstance(new Uint8Array(await readFile(file)));
  const description = pixelDescription(dataSet);
  if (isReason(description)) throw new Error(`${file}: ${description.code}`);
  const values = await decodePixels(dataSet, description, part10.transferSyntaxUid);
  return { uid: text(dataSet, 'SOPInstanceUID') ?? '', syntax: part10.transferSyntaxUid, values };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describeWithPeers(['storescu', 'storescp', 'Orthanc'], 'destinations', () => {
  it('each gets everything in its way, and the one that was away within seconds of its return', async () => {
    await withFolder(async (folder) => {
      const archive = await startStoreScp({ args: ['+xi'] });
      const [awayPort, exported] = [await freePort(), join(folder, 'export')];
      await mkdir(exported);
      const config = quickConfig({
        peers: {
          ct1: { aeTitle: 'CT1' },
          archive: { aeTitle: 'STORESCP', host: '127.0.0.1', port: archive.port },
          files: { kind: 'folder', directory: './export' },
          pacs: { aeTitle: 'ORTHANC', host: '127.0.0.1', port: awayPort },
        },
        rules: [{ name: 'all', forward: ['archive', 'files', 'pacs'] }],
      });
      const node = await startNode({ folder, config });
      let orthanc: Awaited<ReturnType<typeof startOrthanc>> | null = null;
      try {
        const scu = ['-aet', 'CT1', '-aec', 'LIMPID', '127.0.0.1', String(node.dicomPort)];
        const sent: string[] = [];
        for (const seed of [1, 2, 3]) {
          const shape = { modality: 'CT', slices: 4, rows: 64, columns: 64, noise: 20, seed } as const;
          sent.push(...(await writeSyntheticSeries(join(folder, `series-${seed}`), shape)).files);
        }
        expect(await runTool('storescu', [...scu, ...sent])).toMatchObject({ code: 0 });
        const compressed = sharedFiles('ct/chest-1.25mm-ge-ricord')
          .slice(0, 4)
          .map((name) => sharedData(name) ?? '');
        if (compressed.length > 0) {
          expect(await runTool('storescu', ['-xs', ...scu, ...compressed])).toMatchObject({ code: 0 });
        }
        const all = [...sent, ...compressed];
        const awayFrom = performance.now();
        // By the node's own count: a file is there before it is whole.
        await eventually('all in archive and folder', async () => {
          const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
          return ['archive', 'files'].every((peer) =>
            metrics.includes(`limpid_deliveries_total{peer="${peer}",outcome="delivered"} ${all.length}\n`),
          );
        });
        const [inArchive, inFolder] = [await archive.files(), await filesBelow(exported)];
        expect([inArchive.length, inFolder.length]).toEqual([all.length, all.length]);
        const originals = new Map<string, Awaited<ReturnType<typeof contents>>>();
        for (const file of all) {
          const content = await contents(file);
          originals.set(content.uid, content);
        }
        for (const file of [...inArchive, ...inFolder]) {
          const { uid, syntax, values } = await contents(file);
          const own = originals.get(uid)?.values ?? new Int32Array(0);
          expect(Buffer.compare(Buffer.from(values.buffer), Buffer.from(own.buffer))).toBe(0);
          expect(syntax).toBe(inArchive.includes(file) ? implicit : originals.get(uid)?.syntax);
        }
        await sleep(Math.max(0, 20_000 - (performance.now() - awayFrom))); // long enough for probes to have become rare
        orthanc = await startOrthanc({
          aeTitle: 'ORTHANC',
          dicomPort: awayPort,
          modalities: { LIMPID: { aeTitle: 'LIMPID', port: 11_112 } },
        });
        const { url } = orthanc;
        await eventually('a probe is answered', () => Promise.resolve(node.log().includes('"answered":true')));
        const back = performance.now();
        await eventually('all in the PACS', async () => {
          const held = await heldSeries(url);
          return held.reduce((sum, { instances }) => sum + instances.length, 0) === all.length;
        });
        expect(performance.now() - back).toBeLessThan(90_000);
      } catch (error) {
        throw new Error(`the log ends: ${node.log().slice(-4000)}`, { cause: error });
      } finally {
        await node.end('SIGKILL');
        await archive.stop();
        await orthanc?.stop();
      }
    });
  }, 600_000);
});
