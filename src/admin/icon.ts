// The icon of the pages: a drop, in the accent of their style, light and dark.
import { createHash } from 'node:crypto';

const style =
  '.drop{fill:#0f6f80}.light{fill:#fff}@media (prefers-color-scheme:dark){.drop{fill:#5cc3d4}.light{fill:#0f1518}}';

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><style>${style}</style><path class="drop" d="M16 2c6.5 8 10 12.7 10 18a10 10 0 0 1-20 0c0-5.3 3.5-10 10-18z"/><path class="light" d="M10 20a1.3 1.3 0 0 1 2.6 0 3.7 3.7 0 0 0 3.7 3.7 1.3 1.3 0 0 1 0 2.6A6.3 6.3 0 0 1 10 20z"/></svg>
`;

/** It holds its own style, and nothing else happens where it is opened by itself. */
export const iconPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`;
