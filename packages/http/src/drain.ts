import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Clients that are at work send their next request sooner than this. */
const GRACE_MS = 500;
const LOOK_EVERY_MS = 20;

/**
 * Takes no more connections, and gives those that are open time to ask once more: from now on each answer says that it
 * is the last one on its connection. To close a connection that seems idle would cut off a request on its way.
 */
export async function drain(server: Server): Promise<void> {
  if (!server.listening) return;
  // As `server.close()` does, but without closing idle connections.
  NetServer.prototype.close.call(server);
  for (let waited = 0; waited < GRACE_MS && (await connections(server)) > 0; waited += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
  }
}

const connections = (server: Server): Promise<number> =>
  new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );
