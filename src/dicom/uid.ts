// UIDs of derived objects: made from what they are made of, so that the same work gives the same UIDs everywhere.
import { createHash } from 'node:crypto';

/** Version of the recipe: first line of every hashed message. */
const recipe = 'limpid-uid/1';

/** A UID of PS3.5 9.1: digits and dots, no leading zeros, at most 64 characters. */
export function isUid(text: string): boolean {
  return text.length > 0 && text.length <= 64 && /^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*$/.test(text);
}

/** SHA-256 of a text's UTF-8 bytes, 64 lower-case hex digits. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** A UID under 2.25 (PS3.5 B.2): UUID of version 8 from the SHA-256 over the lines, each followed by LF. */
export function uidOf(...lines: string[]): string {
  const digest = createHash('sha256');
  for (const line of lines) digest.update(`${line}\n`, 'utf8');
  const bytes = digest.digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return `2.25.${BigInt(`0x${bytes.toString('hex')}`)}`;
}

/** Whether a UID has the form of those that `uidOf` makes: others may have it too, but hardly any do. */
export function isOwnForm(uid: string): boolean {
  if (!/^2\.25\.[1-9][0-9]{0,38}$/.test(uid)) return false;
  const value = BigInt(uid.slice(5));
  return value >> 128n === 0n && ((value >> 76n) & 0xfn) === 8n && ((value >> 62n) & 3n) === 2n;
}

/** Everything that tells one derived series from another. */
export interface SeriesIdentity {
  readonly sourceSeriesInstanceUid: string;
  readonly modelId: string;
  readonly modelVersion: string;
  /** Of the model file; for filters without a file: filterSha256. */
  readonly modelSha256: string;
  /** Of the canonical JSON of the settings. */
  readonly settingsSha256: string;
  readonly sourceSetDigest: string;
  readonly pipeline: number;
  readonly remake: number;
}

/** Series Instance UID of a derived series (conformance 5.1). */
export function derivedSeriesUid(identity: SeriesIdentity): string {
  return uidOf(
    recipe,
    'series',
    identity.sourceSeriesInstanceUid,
    identity.modelId,
    identity.modelVersion,
    identity.modelSha256,
    identity.settingsSha256,
    identity.sourceSetDigest,
    String(identity.pipeline),
    String(identity.remake),
  );
}

/** SOP Instance UID of the instance that is derived from `sourceInstance`. */
export function derivedInstanceUid(derivedSeries: string, sourceInstance: string): string {
  return uidOf(recipe, 'instance', derivedSeries, sourceInstance);
}

/** Concatenation UID of the parts that are derived from the parts of `sourceConcatenation`; likewise the UID of the whole they stand for. */
export function derivedConcatenationUid(derivedSeries: string, sourceConcatenation: string): string {
  return uidOf(recipe, 'concatenation', derivedSeries, sourceConcatenation);
}

/** Device UID of a model, for its Contributing Equipment item. */
export function modelDeviceUid(modelSha256: string): string {
  return uidOf(recipe, 'model', modelSha256);
}

/** Series and document UID of the Key Object Selection Document that withdraws a derived series (conformance 12). */
export function withdrawalUids(
  derivedSeries: string,
  titleCode: string,
  running: number,
): { readonly series: string; readonly document: string } {
  return {
    series: uidOf(recipe, 'kos-series', derivedSeries, titleCode, String(running)),
    document: uidOf(recipe, 'kos', derivedSeries, titleCode, String(running)),
  };
}

/** SHA-256 over the SOP Instance UIDs of a revision in byte order, each followed by LF. Each UID counts once. */
export function sourceSetDigest(uids: Iterable<string>): string {
  return sha256Of(
    [...new Set(uids)]
      .sort()
      .map((uid) => `${uid}\n`)
      .join(''),
  );
}

/** Stands for the file's SHA-256 where a filter has no model file. */
export function filterSha256(id: string, version: string): string {
  return sha256Of(`filter:${id}\n${version}`);
}
