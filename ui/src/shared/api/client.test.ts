import { expect, it } from 'vitest';

import { afterIn, queryString } from './client';

it('finds the cursor of the next page, and none on the last one', () => {
  expect(afterIn('</api/v1/commands?limit=50&after=WzFd>; rel="next"')).toBe('WzFd');
  expect(afterIn('</api/v1/commands?limit=50>; rel="prev"')).toBeNull();
  expect(afterIn(null)).toBeNull();
});

it('names each of several values, and nothing for none', () => {
  expect(queryString({ state: ['queued', 'sent'], after: undefined })).toBe(
    '?state=queued&state=sent',
  );
  expect(queryString({ state: [] })).toBe('');
});
