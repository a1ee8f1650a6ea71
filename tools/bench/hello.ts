import { createServer } from 'node:http';

/** The least that a Node server can do with a POST: read the body, answer `{}`. The limit of what any handler reaches. */
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    Buffer.concat(parts);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 });
    response.end('{}');
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
