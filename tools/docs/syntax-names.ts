// The transfer syntaxes that limpid accepts, with their names (PS3.6 Annex A).
import { transferSyntax } from '../../src/dicom/uids.js';
import { decodableSyntaxes, videoSyntaxes } from '../../src/io/dimse/constants.js';

const videoNames: Readonly<Record<string, string>> = {
  '100': 'MPEG2 Main Profile / Main Level',
  '101': 'MPEG2 Main Profile / High Level',
  '102': 'MPEG-4 AVC/H.264 High Profile / Level 4.1',
  '103': 'MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1',
  '104': 'MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D Video',
  '105': 'MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D Video',
  '106': 'MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2',
  '107': 'HEVC/H.265 Main Profile / Level 5.1',
  '108': 'HEVC/H.265 Main 10 Profile / Level 5.1',
};

function nameOf(uid: string): string {
  const [, part = '', fragmentable] = /^1\.2\.840\.10008\.1\.2\.4\.(\d+)(\.1)?$/.exec(uid) ?? [];
  const name = videoNames[part] ?? transferSyntax(uid)?.name;
  if (name === undefined) throw new Error(`no name for transfer syntax ${uid}`);
  return fragmentable === undefined ? name : `Fragmentable ${name}`;
}

/** In the order of preference of the tables. */
export function knownSyntaxes(): { uid: string; name: string }[] {
  return [...decodableSyntaxes, ...videoSyntaxes].map((uid) => ({ uid, name: nameOf(uid) }));
}

/** Whether pixels of a syntax that can be enhanced may have lost something. */
export function isLossyMark(uid: string): boolean {
  return decodableSyntaxes.has(uid) && (transferSyntax(uid)?.lossyMethod ?? null) !== null;
}
