// A node that speaks TLS on both sides: an instance comes in and goes out over it; certificates are renewed while it runs.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { makeAuthority, writeIdentity } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { limpid } from '../support/limpid.js';
import { writeTestFiles } from '../support/part10-files.js';
import { describeWithPeers, runTool, startOrthanc, startStoreScp } from '../support/peers.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

describeWithPeers(['storescu', 'storescp'], 'storescu +tls > limpid > storescp +tls', () => {
  it('series pass; renewed certificates are used at SIGHUP, and without it', async () => {
    await withFolder(async (folder) => {
      const authority = await makeAuthority();
      const caFile = join(folder, 'ca.crt');
      await writeFile(caFile, authority.certificate);
      const ct1 = await authority.issue({ name: 'CN=ct1' });
      const ct1Files = await writeIdentity(folder, 'ct1', ct1);
      const ownFiles = await writeIdentity(folder, 'limpid', await authority.issue({ name: 'CN=limpid' }));
      const pacsFiles = await writeIdentity(folder, 'pacs', await authority.issue({ name: 'CN=pacs' }));
      const pacs = await startStoreScp({
        args: ['+tls', pacsFiles.keyFile, pacsFiles.certificateFile, '+cf', caFile, '--fork'],
      });
      const files = await writeTestFiles([{ sopInstanceUid: '1.2.3.8.1', pixelBytes: 100_000 }]);
      const config = quickConfig({
        node: {
          aeTitle: 'LIMPID',
          dimse: { host: '127.0.0.1', port: null, tls: { ...ownFiles, caFile, port: 0 } },
          http: { host: '127.0.0.1', port: 0 },
        },
        peers: {
          ct1: { aeTitle: 'CT1', tls: { fingerprints: [ct1.fingerprint] } },
          pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port, tls: { subjects: ['CN=pacs'] } },
        },
        rules: [{ name: 'all', forward: ['pacs'] }],
      });
      const node = await startNode({ folder, config });
      const tool = (aeTitle: string) =>
        runTool('storescu', [
          '+tls',
          ct1Files.keyFile,
          ct1Files.certificateFile,
          '+cf',
          caFile,
          '-aet',
          aeTitle,
          '-aec',
          'LIMPID',
          '127.0.0.1',
          String(node.tlsPort),
          ...files.instances.map(({ file }) => file),
        ]);
      const shown = (): Promise<string> =>
        new Promise((resolve, reject) => {
          const socket = connect({
            port: node.tlsPort,
            host: '127.0.0.1',
            ca: authority.certificate,
            cert: ct1.certificate,
            key: ct1.key,
          });
          socket.once('error', reject);
          socket.once('secureConnect', () => {
            resolve(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase());
            socket.destroy();
          });
        });
      try {
        expect(node.dicomPort).toBe(0);
        expect((await tool('PACS')).output).toContain('Calling AE Title Not Recognized'); // its certificate is not that of PACS
        expect(await tool('CT1')).toMatchObject({ code: 0 });
        await eventually('the instance in the archive', async () => (await pacs.files()).length === 1);

        const renewed = await authority.issue({ name: 'CN=limpid' });
        await writeFile(ownFiles.certificateFile, renewed.certificate); // the key is still the old one
        process.kill(node.pid, 'SIGHUP');
        await eventually('the log', () => Promise.resolve(node.log().includes('is not the key of the certificate')));
        expect(await shown()).not.toBe(renewed.fingerprint);
        await writeFile(ownFiles.keyFile, renewed.key);
        process.kill(node.pid, 'SIGHUP');
        await eventually('the renewed certificate', async () => (await shown()) === renewed.fingerprint, 5000);
        const again = await authority.issue({ name: 'CN=limpid' });
        await writeIdentity(folder, 'limpid', again);
        await eventually('the certificate renewed by itself', async () => (await shown()) === again.fingerprint);

        const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
        const left = Number(/limpid_tls_certificate_expiry_seconds{certificate="node"} (\S+)/.exec(metrics)?.[1]);
        expect(left).toBeGreaterThan(80_000);
        expect(left).toBeLessThan(86_401);
        expect(await node.end('SIGTERM')).toBe(0);
      } catch (error) {
        throw new Error(`the log ends: ${node.log().slice(-4000)}`, { cause: error });
      } finally {
        await node.end('SIGKILL');
        await pacs.stop();
        await files.remove();
      }
    });
  }, 600_000);
});

describeWithPeers(['Orthanc'], 'Orthanc over TLS', () => {
  it('is found usable, stored to, and stores to a node, each with a certificate of its own', async () => {
    await withFolder(async (folder) => {
      const authority = await makeAuthority();
      const caFile = join(folder, 'ca.crt');
      await writeFile(caFile, authority.certificate);
      const ownFiles = await writeIdentity(folder, 'limpid', await authority.issue({ name: 'CN=limpid' }));
      const orthancFiles = await writeIdentity(folder, 'orthanc', await authority.issue({ name: 'CN=orthanc' }));
      const tlsPort = await freePort();
      const orthanc = await startOrthanc({
        modalities: { LIMPID: { aeTitle: 'LIMPID', port: tlsPort, tls: true } },
        settings: {
          DicomTlsEnabled: true,
          DicomTlsCertificate: orthancFiles.certificateFile,
          DicomTlsPrivateKey: orthancFiles.keyFile,
          DicomTlsTrustedCertificates: caFile,
        },
      });
      await mkdir(join(folder, 'export'));
      const tls = { subjects: ['CN=orthanc'] };
      const config = quickConfig({
        node: {
          aeTitle: 'LIMPID',
          dimse: { host: '127.0.0.1', port: null, tls: { ...ownFiles, caFile, port: tlsPort } },
          http: { host: '127.0.0.1', port: 0 },
        },
        peers: {
          orthanc: { aeTitle: orthanc.aeTitle, host: '127.0.0.1', port: orthanc.dicomPort, tls },
          files: { kind: 'folder', directory: './export', layout: 'flat' },
        },
        rules: [{ name: 'all', forward: ['files'] }],
      });
      const node = await startNode({ folder, config });
      try {
        const shape = { modality: 'CT', slices: 3, rows: 32, columns: 32, noise: 20 } as const;
        const one = await writeSyntheticSeries(join(folder, 'one'), { ...shape, seed: 1 });
        const file = join(folder, 'limpid.yaml');
        const checked = await limpid('peers', 'check', 'orthanc', '--config', file);
        expect(checked.out).toMatch(/^warning {2}tls .*TLSv1\.[23].*CN=orthanc/m); // valid for a day
        expect(checked.status).toBe(0);
        const sent = await limpid('send', 'orthanc', ...one.files, '--config', file);
        expect(sent).toMatchObject({ status: 0, out: expect.stringMatching(/ 3 {2}delivered 0000/) });
        const ids = (await (await fetch(`${orthanc.url}/instances`)).json()) as string[];
        expect(ids).toHaveLength(3);
        const stored = await fetch(`${orthanc.url}/modalities/LIMPID/store`, {
          method: 'POST',
          body: JSON.stringify(ids),
        });
        expect(await stored.json()).toMatchObject({ InstancesCount: 3, FailedInstancesCount: 0 });
        const exported = await eventually('all in the folder', async () => {
          const names = (await readdir(join(folder, 'export'))).filter((name) => name.endsWith('.dcm'));
          return names.length === 3 && names;
        });
        expect(exported.toSorted()).toEqual(one.sopInstanceUids.map((uid) => `${uid}.dcm`).toSorted());
        const held = await Promise.all(exported.map((name) => readFile(join(folder, 'export', name))));
        expect(held.every((bytes) => bytes.length > 32 * 32 * 2)).toBe(true);
        expect(node.log()).toContain('"tls":"TLSv1.');
      } catch (error) {
        throw new Error(`the logs end: ${node.log().slice(-3000)} ${orthanc.output().slice(-2000)}`, { cause: error });
      } finally {
        await node.end('SIGKILL');
        await orthanc.stop();
      }
    });
  }, 600_000);
});
