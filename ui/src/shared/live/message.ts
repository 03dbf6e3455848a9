import type { Alarm, Latest } from '@/shared/api/model';

export type LiveMessage =
  { type: 'latest'; latest: Latest } | { type: 'alarms'; alarms: Alarm[] } | null;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function isLatest(value: unknown): value is Latest {
  return isRecord(value) && 'time' in value && isRecord(value.why) && isRecord(value.values);
}

/** The edge sends a bare `latest`; the cloud tags what it sends and may wrap it. Anything else is null. */
export function readLive(message: unknown): LiveMessage {
  if (!isRecord(message)) return null;
  if (message.type === 'alarms' && Array.isArray(message.alarms)) {
    return { type: 'alarms', alarms: message.alarms as Alarm[] };
  }
  const body = isRecord(message.latest) ? message.latest : message;
  return isLatest(body) ? { type: 'latest', latest: body } : null;
}
