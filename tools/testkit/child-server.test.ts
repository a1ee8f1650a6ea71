import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { answers, freePort, startChildServer } from './index.ts';

const program = (port: number, onTerm: string) => `
  console.log('starting');
  require('node:http').createServer((_, r) => r.end()).listen(${port}, '127.0.0.1');
  process.on('SIGTERM', () => ${onTerm});
`;

async function start(onTerm: string) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['-e', program(port, onTerm)];
  const server = await startChildServer({
    label: 'program',
    file: process.execPath,
    args,
    isReady: () => answers(url),
  });
  return { url, server };
}

const isAlive = (pid: number) => spawnSync('kill', ['-0', String(pid)]).status === 0;

describe('a server started for a test', () => {
  it('serves once it is there, and resolves with its exit code when stopped', async () => {
    const { url, server } = await start('process.exit(3)');
    expect(await answers(url)).toBe(true);
    expect(server.log()).toContain('starting');
    expect(await server.stop()).toBe(3);
    expect(await server.stop()).toBe(3);
    expect(await answers(url)).toBe(false);
  });

  it('dies by kill9 whatever it does about signals', async () => {
    const { server } = await start('undefined');
    await server.kill9();
    expect(await server.exited).toBeNull();
    expect(isAlive(server.pid)).toBe(false);
  });

  it('says what it wrote when it ends before it serves', async () => {
    const args = ['-e', 'console.error("no such database"); process.exit(1)'];
    const options = { label: 'program', file: process.execPath, args, isReady: async () => false };
    await expect(startChildServer(options)).rejects.toThrow('program ended before it served:\nno such database');
  });

  it('says so when the program does not exist', async () => {
    const options = { label: 'program', file: '/nowhere/program', args: [], isReady: async () => false };
    await expect(startChildServer(options)).rejects.toThrow('program ended before it served');
  });
});
