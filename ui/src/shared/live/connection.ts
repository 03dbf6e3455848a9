/** What the connection needs of a WebSocket; tests hand in their own. */
export interface SocketLike {
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string): void;
  close(): void;
}

export type LinkState = 'connecting' | 'open' | 'waiting' | 'closed';

export interface ConnectionOptions {
  open: () => SocketLike;
  /** First message after opening (the portal's token and site), or null. */
  greeting: () => unknown;
  onMessage: (message: unknown) => void;
  onState: (state: LinkState) => void;
  /** The server closed for want of rights: no further tries. */
  onRefused: () => void;
  random?: () => number;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
/** Nothing heard for so long means a dead peer: the server speaks at least each second. */
export const SILENCE_MS = 12_000;
const REFUSALS = new Set([1008, 4401, 4403]);

/** Doubles per failed try, with jitter of half, so that many screens do not return at once. */
export function backoffDelay_ms(failures: number, random: () => number): number {
  const base = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
  return base / 2 + (base / 2) * random();
}

/** Keeps one WebSocket open: reconnects with back-off, cuts a silent peer, stops when refused. */
export class Connection {
  private socket: SocketLike | null = null;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private silence: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly options: ConnectionOptions) {}

  start(): void {
    this.options.onState('connecting');
    const socket = this.options.open();
    this.socket = socket;
    socket.onopen = () => this.greet(socket);
    socket.onmessage = (event) => this.receive(event);
    socket.onclose = (event) => this.closed(socket, event.code);
    this.expectMessage();
  }

  stop(): void {
    this.clearTimers();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.options.onState('closed');
  }

  /** Try now instead of after the delay (the network came back, the tab woke up). */
  hurry(): void {
    if (this.retry === null) return;
    this.clearTimers();
    this.start();
  }

  private greet(socket: SocketLike): void {
    const greeting = this.options.greeting();
    if (greeting !== null) socket.send(JSON.stringify(greeting));
    this.options.onState('open');
  }

  private receive(event: MessageEvent): void {
    this.expectMessage();
    const message = parse(event.data);
    if (message === undefined) return;
    this.failures = 0;
    this.options.onMessage(message);
  }

  private closed(socket: SocketLike, code: number): void {
    if (socket !== this.socket) return;
    this.socket = null;
    this.clearTimers();
    if (REFUSALS.has(code)) {
      this.options.onState('closed');
      this.options.onRefused();
      return;
    }
    this.options.onState('waiting');
    const delay_ms = backoffDelay_ms(this.failures, this.options.random ?? Math.random);
    this.failures += 1;
    this.retry = setTimeout(() => {
      this.retry = null;
      this.start();
    }, delay_ms);
  }

  private expectMessage(): void {
    if (this.silence !== null) clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      const socket = this.socket;
      if (socket === null) return;
      socket.close();
      this.closed(socket, 1006);
    }, SILENCE_MS);
  }

  private clearTimers(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    if (this.silence !== null) clearTimeout(this.silence);
    this.retry = null;
    this.silence = null;
  }
}

function parse(data: unknown): unknown {
  if (typeof data !== 'string') return undefined;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined; // A broken frame is skipped; the next one is at most a second away.
  }
}
