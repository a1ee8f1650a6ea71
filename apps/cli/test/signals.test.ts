import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from '@millrace/tools/testkit';
import { expect, it } from 'vitest';

it('a Ctrl-C that comes twice at once is one, and the server stops in good order', async () => {
  const server = await startServer();
  process.kill(server.pid, 'SIGINT');
  process.kill(server.pid, 'SIGINT');
  expect(await server.exited, server.log()).toBe(0);
});

it('a second Ctrl-C does not wait for requests under way', async () => {
  const server = await startServer();
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    'PUT /api/2.0/mlflow-artifacts/artifacts/0/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome',
  );
  await sleep(300);
  process.kill(server.pid, 'SIGINT');
  // Sooner it would be taken for the echo that npm makes of the first.
  await sleep(1_300);
  process.kill(server.pid, 'SIGINT');
  expect(await server.exited, server.log()).toBe(1);
  socket.destroy();
});
