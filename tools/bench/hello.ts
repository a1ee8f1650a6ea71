import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * The least that a Node server can do with a request: read the body, answer `{}`. The limit of what any handler reaches.
 * Given a file as well, it makes 4 KiB durable there before each answer: the limit of any durable write by itself.
 */
const [port, path] = process.argv.slice(2);
const file = path === undefined ? undefined : openSync(path, 'w');
const page = Buffer.alloc(4096, 1);

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    Buffer.concat(parts);
    if (file !== undefined) {
      writeSync(file, page);
      fdatasyncSync(file);
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 });
    response.end('{}');
  });
});
server.listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => {
  if (file !== undefined) closeSync(file);
  process.exit(0);
});
