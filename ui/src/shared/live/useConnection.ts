import { useEffect, useRef, useState } from 'react';

import { Connection, type LinkState } from './connection';

export interface LiveHandlers {
  greeting: () => unknown;
  onMessage: (message: unknown) => void;
  onRefused: () => void;
}

function liveUrl(): string {
  const url = new URL('/api/v1/live', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** One live connection per `topic`; a change of topic opens a new one. */
export function useConnection(topic: string, handlers: LiveHandlers): LinkState {
  const [state, setState] = useState<LinkState>('connecting');
  const current = useRef(handlers);
  useEffect(() => {
    current.current = handlers;
  });
  useEffect(() => {
    const connection = new Connection({
      open: () => new WebSocket(liveUrl()),
      greeting: () => current.current.greeting(),
      onMessage: (message) => current.current.onMessage(message),
      onRefused: () => current.current.onRefused(),
      onState: setState,
    });
    const hurry = () => connection.hurry();
    connection.start();
    window.addEventListener('online', hurry);
    return () => {
      window.removeEventListener('online', hurry);
      connection.stop();
    };
  }, [topic]);
  return state;
}
