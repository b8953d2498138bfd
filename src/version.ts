/** limpid's version, as it stands in objects (Software Versions, Derivation Description), logs and `--version`. */
export const version = '0.1.0';

/** Raised whenever the same input gives other pixels or other geometry: part of every derived UID (conformance: identity). */
export const pipelineNumber = 7;

/** Implementation Class UID (PS3.7 Annex D.3.3.2), fixed for this implementation, and the version name beside it. */
export const implementationClassUid = '2.25.258694412318352379487121374612573920115';
export const implementationVersionName = `LIMPID_${version.replaceAll('.', '_')}`.slice(0, 16);
