// A node's audit trail at a real syslog collector: every event of a series' life, over TLS, also where the collector is away.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { readInstance } from '../../src/dicom/file.js';
import { text } from '../../src/dicom/values.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { grammarFaults, readAuditMessage, readSyslog } from '../support/audit-messages.js';
import { makeAuthority, writeIdentity } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { limpid } from '../support/limpid.js';
import { describeWithPeers, runTool, startSyslog } from '../support/peers.js';
import type { SyslogPeer } from '../support/peers.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const ctImage = '1.2.840.10008.5.1.4.1.1.2';
const keyObjects = '1.2.840.10008.5.1.4.1.1.88.59';

const told = async (syslog: SyslogPeer) =>
  (await syslog.messages()).map((message) => readAuditMessage(readSyslog(message).xml));

describeWithPeers(['rsyslogd', 'xmllint', 'storescu'], 'limpid > rsyslog', () => {
  it('tells what becomes of a series, who was refused, and that it stops; waits for a collector that is away', async () => {
    await withFolder(async (folder) => {
      const authority = await makeAuthority();
      const caFile = join(folder, 'ca.crt');
      await writeFile(caFile, authority.certificate);
      const local = { altNames: [{ type: 'ip' as const, value: '127.0.0.1' }] };
      const ofCollector = await writeIdentity(folder, 'arr', await authority.issue({ name: 'CN=arr', ...local }));
      const ofNode = await writeIdentity(folder, 'limpid', await authority.issue({ name: 'CN=limpid' }));
      const port = await freePort();
      const pacsFolder = join(folder, 'pacs');
      const pacs = await openReceivingPacs({
        folder: pacsFolder,
        port: 0,
        aeTitle: 'PACS',
        log: openLog('silent'),
        metrics: openMetrics(),
      });
      const config = quickConfig({
        audit: {
          repository: `tls://127.0.0.1:${port}`,
          sourceId: 'limpid-test',
          enterpriseSite: 'north',
          tls: { ...ofNode, caFile },
        },
        peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
        workers: { providers: ['cpu'] },
        rules: [{ name: 'all', enhance: [{ with: 'gaussian' }], deliver: ['pacs'] }],
      });
      const node = await startNode({ folder: join(folder, 'node'), config });
      const series = await writeSyntheticSeries(join(folder, 'in'), {
        modality: 'CT',
        slices: 3,
        rows: 96,
        columns: 96,
        noise: 20,
        seed: 5,
      });
      const store = (aeTitle: string) =>
        runTool('storescu', ['-aet', aeTitle, '-aec', 'LIMPID', '127.0.0.1', String(node.dicomPort), ...series.files]);
      let syslog: SyslogPeer | null = null;
      try {
        expect(await store('CT1')).toMatchObject({ code: 0 });
        expect((await store('STRANGER')).output).toContain('Calling AE Title Not Recognized');
        await store('STRANGER');
        const key = keyOf(series.studyInstanceUid, series.seriesInstanceUid);
        await eventually('the series delivered', async () => node.log().includes('series done'));
        const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
        expect(Number(/limpid_audit_messages_waiting (\d+)/.exec(metrics)?.[1])).toBeGreaterThanOrEqual(7);

        syslog = await startSyslog({ transport: 'tls', port, tls: { ...ofCollector, caFile } });
        const collector = syslog;
        await eventually('what has waited', async () => (await told(collector)).length >= 7, 90_000);
        const withdrawn = await limpid(
          'series',
          'withdraw',
          key,
          '--reason',
          'quality',
          '--because',
          'artifact',
          '--why',
          'test',
          '--config',
          join(folder, 'node', 'limpid.yaml'),
        );
        expect(withdrawn.status).toBe(0);
        await eventually('the withdrawal told', async () =>
          (await told(collector)).some(({ classes }) => Object.hasOwn(classes, keyObjects)),
        );
        expect(await node.end('SIGTERM')).toBe(0);
        await eventually('the stop told', async () =>
          (await told(collector)).some(({ types }) => types.includes('Application Stop')),
        );

        const raw = await collector.messages();
        expect(raw.map((message) => readSyslog(message).priority)).toEqual(raw.map(() => 85));
        expect(
          await grammarFaults(
            folder,
            raw.map((message) => readSyslog(message).xml),
          ),
        ).toEqual([]);
        const messages = await told(collector);
        const file = readInstance(await readFile(series.files[0] ?? ''));
        const objects = {
          'Study Instance UID': series.studyInstanceUid,
          'Patient Number': text(file.dataSet, 'PatientID'),
        };
        const ofSeries = { objects, classes: { [ctImage]: 3 }, outcome: '0', source: 'limpid-test' };
        const started = messages.findIndex(({ types }) => types.includes('Application Start'));
        expect(started).toBe(0);
        const alerts = messages.filter(({ event }) => event === 'Security Alert');
        expect(alerts).toHaveLength(1); // the same caller twice within a minute
        expect(alerts[0]).toMatchObject({ types: ['Node Authentication'], objects: { 'Node ID': '127.0.0.1' } });
        const life = messages.filter(({ event }) => event.includes('Instances'));
        expect(life.map(({ event, action }) => `${event} ${action}`).slice(0, 5)).toEqual([
          'DICOM Instances Transferred C',
          'DICOM Instances Accessed R',
          'DICOM Instances Accessed C',
          'Begin Transferring DICOM Instances E',
          'DICOM Instances Transferred R',
        ]);
        for (const message of life.slice(0, 5)) expect(message).toMatchObject(ofSeries);
        expect(life[0]?.participants.map(({ user }) => user)).toEqual(['CT1', 'LIMPID']);
        expect(life[4]?.participants.map(({ user }) => user)).toEqual(['LIMPID', 'PACS']);
        const withdrawal = life.at(-1);
        expect(withdrawal).toMatchObject({ event: 'DICOM Instances Transferred', classes: { [keyObjects]: 1 } });
        expect(withdrawal?.participants.filter(({ isRequestor }) => isRequestor)).toHaveLength(1);
        expect(withdrawal?.participants.map(({ user }) => user)).not.toContain('');
      } finally {
        await node.end('SIGKILL');
        await syslog?.stop();
        await pacs.close();
      }
    });
  }, 600_000);
});
