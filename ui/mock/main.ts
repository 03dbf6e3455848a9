/** Both apps on made-up servers: `npm run build && npm run mock`. */
import { fileURLToPath } from 'node:url';

import { PASSWORD, PIN } from './routes';
import { startMock } from './server';

const dist = (app: string) => fileURLToPath(new URL(`../dist/${app}`, import.meta.url));
const portal = Number(process.env.SIMEMS_MOCK_PORTAL_PORT ?? 8100);
const hmi = Number(process.env.SIMEMS_MOCK_HMI_PORT ?? 8180);

startMock('portal', dist('portal'), portal);
startMock('hmi', dist('hmi'), hmi);
console.log(`portal=http://127.0.0.1:${portal} user=any password=${PASSWORD}`);
console.log(`hmi=http://127.0.0.1:${hmi} pin=${PIN}`);
