import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from './args.ts';
import { copySeconds, fsyncsPerSecond } from './limits.ts';
import type { Measure } from './report.ts';
import { helloProgram, millraceProgram, mlflowProgram, type Program, Server, type Side } from './servers.ts';
import { interleaved, medians } from './statistics.ts';
import { type Content, fill, prepare, type World, worldName } from './world.ts';

/** A server of one side with the content of a world. */
export interface Filled {
  server: Server;
  content: Content;
}

export type Pair = Partial<Record<Side, Filled>> & { millrace: Filled };

/** The servers, folders and limits that scenarios measure. */
export class Bench {
  readonly options: Options;
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  #log: (line: string) => void;
  #prepared = new Set<string>();
  #open: { name: string; pair: Pair } | undefined;
  #hello = new Map<boolean, Server>();

  constructor(options: Options, log: (line: string) => void) {
    this.options = options;
    this.#log = log;
    process.on('exit', () => rmSync(this.folder, { recursive: true, force: true }));
  }

  get sides(): Side[] {
    return this.options.oursOnly ? ['millrace'] : ['mlflow', 'millrace'];
  }

  /** Both servers on a world. They stay until another world is asked for. */
  async pair(world: World): Promise<Pair> {
    const name = worldName(world);
    if (this.#open?.name === name) return this.#open.pair;
    await this.closePair();
    const mlflow = this.options.oursOnly ? undefined : await this.filled(world, 'mlflow');
    try {
      const pair: Pair = { ...(mlflow && { mlflow }), millrace: await this.filled(world, 'millrace') };
      this.#open = { name, pair };
      return pair;
    } catch (error) {
      await mlflow?.server.stop();
      throw error;
    }
  }

  /** Fills the databases of a world and leaves no server on them. */
  async filledFolders(world: World): Promise<void> {
    const ready = this.sides.every((side) => this.#prepared.has(`${worldName(world)}/${side}`));
    if (!ready) await this.pair(world);
    await this.closePair();
  }

  async closePair(): Promise<void> {
    const pair = this.#open?.pair;
    this.#open = undefined;
    await pair?.mlflow?.server.stop();
    await pair?.millrace.server.stop();
  }

  /** One server of its own on a world; the caller stops it. */
  async filled(world: World, side: Side): Promise<Filled> {
    const name = worldName(world);
    this.#log(`${side}: ${this.#prepared.has(`${name}/${side}`) ? 'starting on' : 'filling'} ${name}`);
    const server = await this.#started(world, side);
    try {
      const content = await fill(world, side, server);
      await server.settle();
      return { server, content };
    } catch (error) {
      await server.stop();
      this.#forget(`${name}/${side}`);
      throw error;
    }
  }

  async #started(world: World, side: Side): Promise<Server> {
    const key = `${worldName(world)}/${side}`;
    try {
      if (!this.#prepared.has(key)) await prepare(world, side, join(this.folder, key), this.options.mlflow);
      this.#prepared.add(key);
      return await Server.start(this.program(world, side));
    } catch (error) {
      this.#forget(key);
      throw error;
    }
  }

  /** What was filled by half is filled again, from the beginning. */
  #forget(key: string): void {
    this.#prepared.delete(key);
    rmSync(join(this.folder, key), { recursive: true, force: true });
  }

  program(world: World, side: Side): (port: number) => Program {
    const folder = join(this.folder, worldName(world), side);
    return side === 'mlflow' || this.options.twice
      ? mlflowProgram(this.options.mlflow, folder)
      : millraceProgram(folder, this.options.cpuProf);
  }

  async hello(durable: boolean): Promise<Server> {
    const folder = join(this.folder, durable ? 'hello-durable' : 'hello');
    const server = this.#hello.get(durable) ?? (await Server.start(helloProgram(folder, durable)));
    this.#hello.set(durable, server);
    return server;
  }

  fsync(): Measure {
    return { perSecond: fsyncsPerSecond(this.#diskFolder(), Math.min(1, this.options.sizes.windowSeconds / 2)) };
  }

  copy(bytes: number): Measure {
    return { perSecond: 1 / copySeconds(this.#diskFolder(), bytes) };
  }

  /** Measures the lanes in turn, A B B A …, after one turn of each that does not count. */
  async rounds(lanes: Record<string, () => Promise<Measure>>): Promise<Record<string, Measure[]>> {
    const names = Object.keys(lanes);
    for (const name of names) await lanes[name]!();
    const samples: Record<string, Measure[]> = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < this.options.sizes.rounds; round++) {
      for (const name of interleaved(names, round)) samples[name]!.push(await lanes[name]!());
    }
    return samples;
  }

  async close(): Promise<void> {
    await this.closePair();
    for (const server of this.#hello.values()) await server.stop();
  }

  #diskFolder(): string {
    const folder = join(this.folder, 'disk');
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

/** The medians of each lane. */
export function mediansOf(samples: Record<string, Measure[]>): Record<string, Measure | undefined> {
  return Object.fromEntries(Object.entries(samples).map(([name, measures]) => [name, medians(measures)]));
}
