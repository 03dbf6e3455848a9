import { describe, expect, it } from 'vitest';

import { isWhole, readEntered, sameFingerprint } from './code';

const CODE = '0H3N-7RKA-4VXQ-92MD-T5E4';

describe('readEntered', () => {
  it('groups what is typed, in any case and with any gaps', () => {
    expect(readEntered(' 0h3n7rka 4vxq92md-t5e4 ')).toEqual({ code: CODE, fingerprint: null });
    expect(readEntered('')).toEqual({ code: '', fingerprint: null });
  });
  it('takes code and fingerprint out of a scanned image', () => {
    expect(readEntered(`SIMEMS:CLAIM:${CODE}:5QZ1-0B9G-XK2W-7JTM\n`)).toEqual({
      code: CODE,
      fingerprint: '5QZ1-0B9G-XK2W-7JTM',
    });
  });
  it('knows a whole code from a part of one', () => {
    expect(isWhole(CODE)).toBe(true);
    expect(isWhole(CODE.slice(0, -1))).toBe(false);
    expect(isWhole('https://example.com/what/else')).toBe(false);
  });
});

describe('sameFingerprint', () => {
  it('compares as people read', () => {
    expect(sameFingerprint('5qz1 0b9g xk2w 7jtm', '5QZ1-0B9G-XK2W-7JTM')).toBe(true);
    expect(sameFingerprint('5QZ1-0B9G-XK2W-7JTN', '5QZ1-0B9G-XK2W-7JTM')).toBe(false);
  });
});
