import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  backoffDelay_ms,
  Connection,
  SILENCE_MS,
  type LinkState,
  type SocketLike,
} from './connection';

class FakeSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  sent: string[] = [];
  closed = false;
  send(data: string) {
    this.sent.push(data);
  }
  close() {
    this.closed = true;
  }
}

function rig() {
  const sockets: FakeSocket[] = [];
  const states: LinkState[] = [];
  const messages: unknown[] = [];
  const refused = vi.fn();
  const connection = new Connection({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    greeting: () => ({ token: 't' }),
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
    onRefused: refused,
    random: () => 1,
  });
  return { connection, sockets, states, messages, refused };
}

describe('Connection', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('greets, then hands over what it hears and skips broken frames', () => {
    const { connection, sockets, messages } = rig();
    connection.start();
    sockets[0]?.onopen?.(new Event('open'));
    expect(sockets[0]?.sent).toEqual(['{"token":"t"}']);
    sockets[0]?.onmessage?.(new MessageEvent('message', { data: '{"a":1}' }));
    sockets[0]?.onmessage?.(new MessageEvent('message', { data: '{"a":' }));
    expect(messages).toEqual([{ a: 1 }]);
  });

  it('comes back with growing delays after a loss', () => {
    const { connection, sockets, states } = rig();
    connection.start();
    sockets[0]?.onclose?.(new CloseEvent('close', { code: 1006 }));
    expect(states.at(-1)).toBe('waiting');
    vi.advanceTimersByTime(499);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    sockets[1]?.onclose?.(new CloseEvent('close', { code: 1006 }));
    vi.advanceTimersByTime(999);
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(3);
  });

  it('cuts a peer that is silent and tries anew', () => {
    const { connection, sockets, states } = rig();
    connection.start();
    vi.advanceTimersByTime(SILENCE_MS);
    expect(sockets[0]?.closed).toBe(true);
    expect(states.at(-1)).toBe('waiting');
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(2);
  });

  it('stops when it is refused, and for good when it is stopped', () => {
    const { connection, sockets, refused } = rig();
    connection.start();
    sockets[0]?.onclose?.(new CloseEvent('close', { code: 1008 }));
    expect(refused).toHaveBeenCalledOnce();
    connection.stop();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
  });
});

describe('backoffDelay_ms', () => {
  it('stays between half and whole of a capped double', () => {
    expect(backoffDelay_ms(0, () => 0)).toBe(250);
    expect(backoffDelay_ms(3, () => 1)).toBe(4000);
    expect(backoffDelay_ms(50, () => 1)).toBe(15_000);
  });
});
