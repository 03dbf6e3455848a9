import type { Alarm, Severity } from '@/shared/api/model';

const RANK: Record<Severity, number> = { alarm: 0, warning: 1, info: 2 };

export const isActive = (alarm: Alarm): boolean => alarm.cleared_at == null;
export const isAcknowledged = (alarm: Alarm): boolean => alarm.acknowledged_at != null;

/** Standing before cleared, unseen before seen, severe before mild, new before old. */
export function sortAlarms(alarms: readonly Alarm[]): Alarm[] {
  return [...alarms].sort(
    (one, other) =>
      Number(isActive(other)) - Number(isActive(one)) ||
      Number(isAcknowledged(one)) - Number(isAcknowledged(other)) ||
      RANK[one.severity] - RANK[other.severity] ||
      other.raised_at.localeCompare(one.raised_at),
  );
}
