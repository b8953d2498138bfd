// Derivation codes for archives that take none but the standard's (conformance 3.5): limpid's own are replaced or left out.

interface Code {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}

/** Coding schemes that are nobody's but the site's or the maker's begin so (PS3.3 Table 8.1-1). */
const privateScheme = '99';
const smoothing: Code = { value: '113087', scheme: 'DCM', meaning: 'Smoothing' };

/** The same steps in codes of the standard alone; smoothing where they have none. Super-resolution is told by the resampling before it. */
export function standardCodes(codes: readonly Code[]): Code[] {
  const standard = codes.filter(({ scheme }) => !scheme.startsWith(privateScheme));
  return standard.length > 0 ? standard : [smoothing];
}
