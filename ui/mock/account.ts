import type { OwnSession, RecoveryCodes, SecondFactorSecret } from '../src/shared/api/model';

export const TOKENS = {
  access_token: 'mock',
  refresh_token: 'mock-again',
  token_type: 'bearer',
  expires_in: 900,
};

export const SECOND_FACTOR: SecondFactorSecret = {
  secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  uri: 'otpauth://totp/Sim%20EMS:demo@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sim%20EMS',
};

export const RECOVERY: RecoveryCodes = {
  codes: Array.from({ length: 8 }, (_, place) => `mock-${place + 1}a2b3-c4d5`),
};

const ago = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

export const SESSIONS: OwnSession[] = [
  {
    id: 's-1',
    method: 'password',
    client:
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
    created_at: ago(2),
    used_at: ago(0),
    expires_at: ago(-700),
    current: true,
  },
  {
    id: 's-2',
    method: 'password',
    client: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1',
    created_at: ago(80),
    used_at: ago(30),
    expires_at: ago(-600),
    current: false,
  },
];
