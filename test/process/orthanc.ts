// What an Orthanc holds, read over its REST interface.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface HeldSeries {
  readonly id: string;
  readonly seriesInstanceUid: string;
  readonly studyInstanceUid: string;
  readonly instances: readonly string[];
}

async function json<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return (await answer.json()) as T;
}

/** Every series of an Orthanc. */
export async function heldSeries(url: string): Promise<HeldSeries[]> {
  const held: HeldSeries[] = [];
  for (const id of await json<string[]>(`${url}/series`)) {
    const series = await json<{
      MainDicomTags: { SeriesInstanceUID: string };
      ParentStudy: string;
      Instances: string[];
    }>(`${url}/series/${id}`);
    const study = await json<{ MainDicomTags: { StudyInstanceUID: string } }>(`${url}/studies/${series.ParentStudy}`);
    held.push({
      id,
      seriesInstanceUid: series.MainDicomTags.SeriesInstanceUID,
      studyInstanceUid: study.MainDicomTags.StudyInstanceUID,
      instances: series.Instances,
    });
  }
  return held;
}

/** Writes the instances of a series into a folder, as Orthanc keeps them. */
export async function download(url: string, series: HeldSeries, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [index, id] of series.instances.entries()) {
    const answer = await fetch(`${url}/instances/${id}/file`, { signal: AbortSignal.timeout(10_000) });
    await writeFile(join(folder, `${String(index).padStart(5, '0')}.dcm`), Buffer.from(await answer.arrayBuffer()));
  }
}
