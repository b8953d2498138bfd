// The words for where a series stands, apart from the schemas that need a library.

/** Where a series stands. The first that applies of: unreadable, held, given-up, partial, uncommitted, receiving, routing, enhancing, delivering, committing, done. */
export const seriesStates = [
  'unreadable',
  'held',
  'given-up',
  'partial',
  'uncommitted',
  'receiving',
  'routing',
  'enhancing',
  'delivering',
  'committing',
  'done',
] as const;
export type SeriesWord = (typeof seriesStates)[number];
