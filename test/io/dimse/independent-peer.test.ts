// dcmjs-dimse as a second, independent implementation in both roles: what machines without DCMTK can check. Its data sets are its own
// encoding, so contents are compared, not bytes.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import dimse from 'dcmjs-dimse';
import { text } from '../../../src/dicom/values.js';
import { readDataSet } from '../../../src/dicom/data-set.js';
import { echo, send } from '../../../src/io/dimse/scu.js';
import { ctClass, explicitLittle, implicitLittle } from '../../support/dimse-bytes.js';
import { freePort } from '../../support/free-port.js';
import { writeTestFiles } from '../../support/part10-files.js';
import { type TestScp, openTestScp, silentLog } from '../../support/test-scp.js';

const { CEchoRequest, CStoreRequest } = dimse.requests;
const { CEchoResponse, CStoreResponse } = dimse.responses;

dimse.log.setLevel('error');

/** Keeps what it gets, accepts CT in Explicit and Implicit VR Little Endian. */
class Archive extends dimse.Scp {
  static readonly stored: { uid: string; patientId: string }[] = [];

  override associationRequested(association: InstanceType<typeof dimse.association.Association>): void {
    for (const { context } of association.getPresentationContexts()) {
      const offered = context.getTransferSyntaxUids();
      const known = offered.find((uid) => uid === explicitLittle || uid === implicitLittle);
      context.setResult(known === undefined ? 4 : 0, known);
    }
    this.sendAssociationAccept();
  }
  override cEchoRequest(
    request: InstanceType<typeof CEchoRequest>,
    callback: (response: InstanceType<typeof CEchoResponse>) => void,
  ): void {
    const response = CEchoResponse.fromRequest(request);
    response.setStatus(0);
    callback(response);
  }
  override cStoreRequest(
    request: InstanceType<typeof CStoreRequest>,
    callback: (response: InstanceType<typeof CStoreResponse>) => void,
  ): void {
    const dataSet = request.getDataset();
    Archive.stored.push({
      uid: String(dataSet?.getElement('SOPInstanceUID')),
      patientId: String(dataSet?.getElement('PatientID')),
    });
    const response = CStoreResponse.fromRequest(request);
    response.setStatus(0);
    callback(response);
  }
  override associationReleaseRequested(): void {
    this.sendAssociationReleaseResponse();
  }
}

describe('dcmjs-dimse', () => {
  let node: TestScp;
  beforeAll(async () => {
    node = await openTestScp();
  });
  afterAll(() => node.scp.close());

  /** Runs its client with some requests; resolves with the statuses of the responses when it has closed. */
  const run = (requests: readonly InstanceType<typeof CEchoRequest | typeof CStoreRequest>[]) =>
    new Promise<number[]>((resolve, reject) => {
      const statuses: number[] = [];
      const client = new dimse.Client();
      for (const request of requests) {
        request.on('response', (response) => void statuses.push(response.getStatus()));
        client.addRequest(request);
      }
      client.on('closed', () => resolve(statuses));
      client.on('networkError', reject);
      client.on('associationRejected', reject);
      client.send('127.0.0.1', node.scp.port, 'DCMJS', 'LIMPID');
    });

  it('verifies limpid, and stores in it', async () => {
    const dataSet = new dimse.Dataset(
      {
        SOPClassUID: ctClass,
        SOPInstanceUID: '1.2.3.1',
        StudyInstanceUID: '1.2.3.4',
        SeriesInstanceUID: '1.2.3.5',
        Modality: 'CT',
        PatientID: 'INDEPENDENT',
      },
      explicitLittle,
    );
    expect(await run([new CEchoRequest(), new CStoreRequest(dataSet)])).toEqual([0, 0]);
    const [object] = node.store.objects;
    expect(object?.facts).toMatchObject({ sopInstanceUid: '1.2.3.1', seriesInstanceUid: '1.2.3.5', modality: 'CT' });
    if (!object) throw new Error('nothing stored');
    expect(text(readDataSet(object.bytes, object.request.transferSyntaxUid), 'PatientID')).toBe('INDEPENDENT');
  });

  it('serves limpid as archive', async () => {
    const port = await freePort();
    const server = new dimse.Server(Archive);
    server.listen(port);
    const target = { aeTitle: 'ARCHIVE', host: '127.0.0.1', port, callingAe: 'LIMPID' };
    expect((await echo(target, { log: silentLog })).status).toBe(0);
    const files = await writeTestFiles([
      { sopInstanceUid: '1.2.3.6' },
      { sopInstanceUid: '1.2.3.7', pixelBytes: 600_000 },
    ]);
    const report = await send(target, files.instances, { associations: 1, log: silentLog });
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'delivered']);
    expect(Archive.stored).toEqual([
      { uid: '1.2.3.6', patientId: 'RAW' },
      { uid: '1.2.3.7', patientId: 'RAW' },
    ]);
    server.close();
    await files.remove();
  });
});
