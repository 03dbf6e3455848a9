/** What the box's QR code says: SIMEMS:CLAIM:<code>:<fingerprint>. */
const IMAGE = /^SIMEMS:CLAIM:([^:]+):([^:]+)$/i;
const LENGTH = 20;

export interface Entered {
  code: string;
  /** Of the box that was scanned; null when the code was typed. */
  fingerprint: string | null;
}

/** A typed code, or the text of a scanned QR code. */
export function readEntered(text: string): Entered {
  const scanned = IMAGE.exec(text.trim());
  return { code: grouped(scanned?.[1] ?? text), fingerprint: scanned?.[2] ?? null };
}

export const isWhole = (code: string): boolean => plain(code).length === LENGTH;

/** Compared as people read them: without dashes, spaces or case. */
export const sameFingerprint = (one: string, other: string): boolean => plain(one) === plain(other);

const plain = (text: string): string => text.toUpperCase().replace(/[^0-9A-Z]/g, '');

const grouped = (text: string): string => (plain(text).match(/.{1,4}/g) ?? []).join('-');
