import type { History } from '@/shared/api/model';
import { isoInZone } from '@/shared/time/range';

/** One row per interval, one column per channel (means, SI base units); an empty cell is a gap. */
export function historyCsv(history: History, channels: readonly string[], zone: string): string {
  const header = ['time', ...channels].map(quoted).join(',');
  const rows = history.times.map((time, index) => {
    const cells = channels.map((channel) => history.series[channel]?.mean[index] ?? '');
    return [isoInZone(Date.parse(time), zone), ...cells].join(',');
  });
  return [header, ...rows].join('\r\n') + '\r\n';
}

const quoted = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
