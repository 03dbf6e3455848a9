import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';

import { WebSocketServer, type WebSocket } from 'ws';

import { alarms, latest, SCENARIOS, type Scenario, type World } from './answers';
import { newFleet } from './fleet';
import { answer, type App, Refusal } from './routes';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

export interface Mock {
  server: Server;
  world: World;
}

/** One app and the interface it talks to, made up. `dist` is the folder of the built app. */
export function startMock(app: App, dist: string, port: number): Mock {
  const world: World = {
    scenario: 'normal',
    override: null,
    acknowledged: new Set(),
    faultCleared: false,
    started_ms: Date.now(),
    wrongPins: 0,
    fleet: newFleet(),
  };
  const server = createServer((request, response) => {
    void handle(app, dist, world, request, response);
  });
  const sockets = new WebSocketServer({ server, path: '/api/v1/live' });
  sockets.on('connection', (socket) => speak(app, world, socket));
  server.listen(port, '127.0.0.1');
  return { server, world };
}

function speak(app: App, world: World, socket: WebSocket): void {
  const send = () => {
    if (world.scenario === 'broken') {
      socket.close();
      return;
    }
    const now = latest(world);
    socket.send(JSON.stringify(app === 'portal' ? { type: 'latest', ...now } : now));
  };
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    send();
    if (app === 'portal')
      socket.send(JSON.stringify({ type: 'alarms', alarms: alarms(world, false) }));
    timer = setInterval(send, 500);
  };
  if (app === 'portal') socket.once('message', begin);
  else begin();
  socket.on('close', () => clearInterval(timer));
}

async function handle(
  app: App,
  dist: string,
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://mock');
  if (url.pathname === '/__mock') {
    control(world, url.searchParams.get('scenario'));
    response.end(world.scenario);
  } else if (url.pathname.startsWith('/api/')) {
    await api(app, world, request, url, response);
  } else {
    file(dist, url.pathname, response);
  }
}

function control(world: World, scenario: string | null): void {
  const found = SCENARIOS.find((name): name is Scenario => name === scenario);
  if (found === undefined) return;
  world.scenario = found;
  world.started_ms = Date.now();
  world.acknowledged.clear();
  world.faultCleared = false;
  world.fleet = scenarioFleet(world.scenario);
}

const scenarioFleet = (scenario: Scenario) =>
  scenario === 'empty' ? { boxes: [], claims: [], commands: [] } : newFleet();

async function api(
  app: App,
  world: World,
  request: IncomingMessage,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  if (world.scenario === 'loading') return; // Never answers: skeletons stay.
  const json = (status: number, body: unknown, headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : JSON.stringify(body));
  };
  try {
    const { status, body } = answer(app, world, {
      method: request.method ?? 'GET',
      path: url.pathname.replace('/api/v1', ''),
      query: url.searchParams,
      body: await bodyOf(request),
      token: request.headers.authorization ?? null,
    });
    json(status, body);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const problem = {
      type: 'about:blank',
      title: error.title,
      status: error.status,
      detail: error.message,
    };
    json(error.status, problem, error.headers);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function file(dist: string, path: string, response: ServerResponse): void {
  const wanted = join(dist, normalize(path));
  const found = existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, 'index.html');
  response.writeHead(200, { 'Content-Type': TYPES[extname(found)] ?? 'application/octet-stream' });
  response.end(readFileSync(found));
}
