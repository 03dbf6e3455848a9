/** The five pages, in the order of the navigation, and the tabs of the last; `screens.ts` declares what each is. */
export const HMI_PAGES = ['home', 'trends', 'alarms', 'devices', 'system'] as const;
export type PageId = (typeof HMI_PAGES)[number];

export const SYSTEM_TABS = ['actions', 'limits', 'sync', 'cycle', 'screen'] as const;
export type TabId = (typeof SYSTEM_TABS)[number];

export type HmiScreen = PageId | `system.${TabId}` | 'pin';
