import { ApiError } from '@/shared/api/problem';
import { useT } from '@/shared/i18n/useT';

/** What failed, in words, and an id to quote when the server gave one. */
export function ErrorText({ error }: { error: unknown }) {
  const { t } = useT();
  if (!(error instanceof ApiError)) return <span>{t('error.unexpected')}</span>;
  if (error.unreachable) return <span>{t('error.unreachable')}</span>;
  return (
    <span>
      {error.message} ({error.status}
      {error.requestId !== null && (
        <>
          , <code>{error.requestId}</code>
        </>
      )}
      )
    </span>
  );
}
