/**
 * Values without what pads them to an even length: blanks, and NULs, which are seen behind other VRs than UI too (PS3.5 Section 6.2). By
 * hand: a regular expression that ends in `$` begins anew at each blank of a run that does not end the text, and took 10 s over 64 KB of
 * them, which any peer may send.
 */

const isPadding = (code: number): boolean => code === 0x20 || code === 0;

/** Without what stands at the end. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isPadding(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}

/** Without what stands at either end. */
export function strip(text: string): string {
  let start = 0;
  while (start < text.length && isPadding(text.charCodeAt(start))) start++;
  return stripEnd(text.slice(start));
}
