// The transfer syntaxes that limpid accepts, with their names (PS3.6 Annex A).
import { transferSyntax } from '../../src/dicom/uids.js';
import { decodableSyntaxes, keptSyntaxes } from '../../src/io/dimse/constants.js';

function nameOf(uid: string): string {
  const name = transferSyntax(uid)?.name;
  if (name === undefined) throw new Error(`no name for transfer syntax ${uid}`);
  return name;
}

/** In the order of preference of the tables. */
export function knownSyntaxes(): { uid: string; name: string }[] {
  return [...decodableSyntaxes, ...keptSyntaxes].map((uid) => ({ uid, name: nameOf(uid) }));
}

/** Whether pixels of a syntax that can be enhanced may have lost something. */
export function isLossyMark(uid: string): boolean {
  return decodableSyntaxes.has(uid) && (transferSyntax(uid)?.lossyMethod ?? null) !== null;
}
