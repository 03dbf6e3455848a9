import { describe, expect, it } from 'vitest';

import { ApiError, errorFrom } from '@/shared/api/problem';
import { translator } from '@/shared/i18n/useT';

import { signInError } from './signInError';

const t = translator('en');

describe('signInError', () => {
  it('tells wrong, locked and unreachable apart', () => {
    expect(signInError(new ApiError(401, 'x', ''), t)).toBe('User or password is wrong.');
    expect(signInError(new ApiError(429, 'x', '', 60), t)).toMatch(/Try again in 1/);
    expect(signInError(new ApiError(429, 'x', ''), t)).toMatch(/locked/);
    expect(signInError(new ApiError(0, 'x', ''), t)).toMatch(/does not answer/);
    expect(signInError(new ApiError(503, 'Not available', 'later'), t)).toBe(
      'Not available: later',
    );
  });
});

describe('errorFrom', () => {
  it('reads problem+json and survives other bodies', async () => {
    const problem = new Response('{"title":"T","detail":"D"}', { status: 404 });
    expect(await errorFrom(problem)).toMatchObject({ status: 404, title: 'T', detail: 'D' });
    const page = new Response('<html>', { status: 502, statusText: 'Bad Gateway' });
    expect(await errorFrom(page)).toMatchObject({ status: 502, title: 'Bad Gateway' });
  });
});
