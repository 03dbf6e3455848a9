import { useQuery } from '@tanstack/react-query';

import { get, postForm } from '@/shared/api/client';
import type { Me } from '@/shared/api/model';

interface Token {
  access_token: string;
}

export async function requestToken(username: string, password: string): Promise<string> {
  const token = await postForm<Token>('/auth/token', { username, password });
  return token.access_token;
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
