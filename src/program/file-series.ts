// Series from files on a disk, as the receiver would have made them: for `limpid enhance` and `limpid rules test`.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { readEach } from '../cli/files.js';
import type { LeftOut } from '../cli/files.js';
import { readInstance } from '../dicom/file.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import type { ArrivalSource } from '../spool/arrival.js';
import { instanceNameOf, keyOf } from '../spool/key.js';
import type { Key } from '../spool/key.js';
import type { InstanceRecord, SeriesRecord } from '../spool/records.js';

export interface FileSeries {
  readonly record: SeriesRecord;
  /** Path of each instance by its `file`. */
  readonly paths: ReadonlyMap<string, string>;
}

export interface FilesRead {
  readonly series: FileSeries[];
  readonly refused: readonly LeftOut[];
}

interface Gathered {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly instances: Map<string, InstanceRecord>;
  readonly variants: InstanceRecord[];
  readonly paths: Map<string, string>;
}

/** Reads files and groups them by series; what is no DICOM instance is refused with the reason. */
export async function seriesOfFiles(
  files: readonly string[],
  source: ArrivalSource,
  now: () => number,
): Promise<FilesRead> {
  const gathered = new Map<Key, Gathered>();
  const { left } = await readEach(files, (file) => gather(file, gathered));
  const at = new Date(now()).toISOString();
  const series = [...gathered].map(([key, one]) => ({
    record: {
      version: 1 as const,
      key,
      revision: 1,
      cause: 'arrival' as const,
      closed: 'operator' as const,
      openedAt: at,
      closedAt: at,
      studyInstanceUid: one.studyInstanceUid,
      seriesInstanceUid: one.seriesInstanceUid,
      sources: [source],
      remake: 1,
      action: null,
      instances: [...one.instances.values()].sort((a, b) => (a.file < b.file ? -1 : 1)),
      variants: one.variants,
      warnings: [],
    },
    paths: one.paths,
  }));
  return { series, refused: left };
}

async function gather(file: string, gathered: Map<Key, Gathered>): Promise<void> {
  const bytes = await readFile(file);
  const { dataSet, part10 } = readInstance(bytes);
  const uid = (keyword: string): string => {
    const value = text(dataSet, keyword);
    if (value === null) throw new LimpidError('DICOM_MALFORMED', `${keyword} is missing`);
    return value;
  };
  const studyInstanceUid = uid('StudyInstanceUID');
  const seriesInstanceUid = uid('SeriesInstanceUID');
  const sopInstanceUid = uid('SOPInstanceUID');
  const sopClassUid = uid('SOPClassUID');
  const key = keyOf(studyInstanceUid, seriesInstanceUid);
  const one: Gathered = gathered.get(key) ?? {
    studyInstanceUid,
    seriesInstanceUid,
    instances: new Map(),
    variants: [],
    paths: new Map(),
  };
  gathered.set(key, one);
  const dataSetBytes = bytes.subarray(part10.dataSetOffset);
  const instance: InstanceRecord = {
    file: instanceNameOf(sopInstanceUid),
    sopInstanceUid,
    sopClassUid,
    transferSyntaxUid: part10.transferSyntaxUid,
    sha256: createHash('sha256').update(dataSetBytes).digest('hex'),
    bytes: dataSetBytes.length,
  };
  const first = one.instances.get(sopInstanceUid);
  if (first === undefined) {
    one.instances.set(sopInstanceUid, instance);
    one.paths.set(instance.file, file);
  } else if (first.sha256 !== instance.sha256) {
    one.variants.push({ ...instance, file: `${instance.file}.${instance.sha256.slice(0, 8)}` });
    // A node would hold the series; here nobody would learn that one of two images is not looked at.
    const taken = one.paths.get(first.file) ?? first.file;
    throw new LimpidError(
      'USAGE',
      `it has the SOP Instance UID of ${taken} and other bytes; the first is taken: keep one of the two, or give this one a UID of its own`,
    );
  }
}
