import type { Alarm, Fault } from '@/shared/api/model';
import type { Language } from '@/shared/preferences/store';

import { isActive } from './order';

/** What a person reads of an alarm. */
export type Words = Pick<Alarm, 'text' | 'cause' | 'effect' | 'remedy'>;

/** The fault behind a standing alarm: they share code and component. */
export function faultOf(alarm: Alarm, faults: readonly Fault[]): Fault | undefined {
  if (!isActive(alarm)) return undefined;
  return faults.find(({ code, component }) => code === alarm.code && component === alarm.component);
}

/** What latched needs a person: it stands above everything else. */
export function latchedFirst(alarms: readonly Alarm[], faults: readonly Fault[]): Alarm[] {
  const latched = (alarm: Alarm) => faultOf(alarm, faults)?.latched === true;
  return [...alarms.filter(latched), ...alarms.filter((alarm) => !latched(alarm))];
}

/** A fault's words in the viewer's language; else the alarm's own, which say more of this occurrence. */
export function wordsOf(alarm: Alarm, fault: Fault | undefined, language: Language): Words {
  return fault?.translations[language] ?? alarm;
}
