import { writeFileSync } from 'node:fs';

import { page } from './page';

/** Writes docs/screens.md. */
writeFileSync(new URL('../../docs/screens.md', import.meta.url), page());
