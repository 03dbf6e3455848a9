import { useT } from '@/shared/i18n/useT';

import { HMI_PAGES, type PageId } from './pages/routes';

const ICONS: Record<PageId, string> = {
  home: 'M3 11 L12 3 L21 11 M5 9.5 V21 H19 V9.5',
  trends: 'M3 3 V21 H21 M6 15 L10 10 L14 13 L20 6',
  alarms: 'M12 3 L22 20 H2 Z M12 9 V14 M12 16.5 V17.5',
  devices: 'M4 4 H20 V9 H4 Z M4 14 H20 V19 H4 Z M7 6.5 H9 M7 16.5 H9',
  system:
    'M12 8 A4 4 0 1 0 12 16 A4 4 0 1 0 12 8 M12 2 V5 M12 19 V22 M2 12 H5 M19 12 H22 M5 5 L7 7 M17 17 L19 19 M19 5 L17 7 M7 17 L5 19',
};

interface Props {
  page: PageId;
  onPage: (page: PageId) => void;
}

/** 72 px: five pages. */
export function Nav({ page, onPage }: Props) {
  const { t } = useT();
  return (
    <nav className="tabs" aria-label={t('nav.label')}>
      {HMI_PAGES.map((id) => (
        <button
          key={id}
          type="button"
          aria-current={id === page ? 'page' : undefined}
          onClick={() => onPage(id)}
        >
          <svg viewBox="0 0 24 24" width={24} height={24} aria-hidden="true">
            <path d={ICONS[id]} />
          </svg>
          {t(`nav.${id}`)}
        </button>
      ))}
    </nav>
  );
}
