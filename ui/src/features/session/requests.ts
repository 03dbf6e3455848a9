import { useQuery } from '@tanstack/react-query';

import { act, get, postForm } from '@/shared/api/client';
import type { Me } from '@/shared/api/model';
import { ApiError } from '@/shared/api/problem';

import { useSession, type Tokens } from './store';

export interface Credentials {
  username: string;
  password: string;
  /** Of the second factor; empty: not asked for yet. */
  code: string;
}

/** Tokens of minutes, with one to renew them. */
export function requestTokens({ username, password, code }: Credentials): Promise<Tokens> {
  const fields = { username, password, scope: 'offline_access' };
  return postForm<Tokens>('/auth/token', code === '' ? fields : { ...fields, code });
}

/** The password was right; a code of the second factor must come with it. */
export const wantsCode = (error: unknown): boolean =>
  error instanceof ApiError && error.kind === 'urn:simems:problem:second-factor-needed';

/** Ends the session at the server as well; one that does not answer keeps nobody signed in here. */
export async function leave(): Promise<void> {
  try {
    await act('/auth/sign-out');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  } finally {
    useSession.getState().signOut();
  }
}

export function useMe() {
  return useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => get<Me>('/me', {}, signal),
    staleTime: Infinity,
  });
}

/** What the API lets this person do somewhere; nothing until that is known. */
export function useMay(): (permission: string) => boolean {
  const permissions = useMe().data?.permissions;
  return (permission) => permissions?.includes(permission) ?? false;
}
