import { parentPort, workerData } from 'node:worker_threads';
import type { Read, Write } from '../access.ts';
import { type ErrorRecord, toRecord } from '../transfer.ts';
import { SqliteConnection } from './connection.ts';

/** `[id, name of the command, input]`; many travel in one message. */
export type Task = readonly [id: number, name: string, input: unknown];
export type Outcome =
  | readonly [id: number, ok: true, value: unknown]
  | readonly [id: number, ok: false, error: ErrorRecord];

export interface WorkerSetup {
  readonly file: string;
  readonly role: 'writer' | 'reader';
  /** Modules whose exports are the commands, by URL. */
  readonly modules: readonly string[];
}

const setup = workerData as WorkerSetup;
const port = parentPort!;
const connection = new SqliteConnection(setup.file, { readOnly: setup.role === 'reader' });
const commands = new Map<string, Write<unknown, unknown> | Read<unknown, unknown>>();
for (const url of setup.modules) {
  for (const command of Object.values((await import(url)) as Record<string, unknown>)) {
    if (isCommand(command)) commands.set(command.name, command);
  }
}

function isCommand(value: unknown): value is Write<unknown, unknown> {
  return typeof value === 'object' && value !== null && 'kind' in value && 'run' in value && 'name' in value;
}

const runTask = async ([, name, input]: Task): Promise<unknown> => commands.get(name)!.run(connection, input);

/** One commit for everything that arrived while the last one was under way. */
async function commitTogether(tasks: readonly Task[]): Promise<Outcome[]> {
  // Almost always all of them succeed. Where one fails, they are done again, each in a savepoint of its own.
  const outcomes = await attempt(tasks, tasks.length > 1 ? 'all or none' : 'each');
  return outcomes ?? (await attempt(tasks, 'each'))!;
}

/** Runs the tasks in one transaction; null where `all or none` was asked and one failed. */
async function attempt(tasks: readonly Task[], mode: 'all or none' | 'each'): Promise<Outcome[] | null> {
  const outcomes: Outcome[] = [];
  try {
    connection.run('BEGIN IMMEDIATE');
    for (const task of tasks) {
      outcomes.push(mode === 'each' ? await inSavepoint(task, tasks.length > 1) : [task[0], true, await runTask(task)]);
    }
  } catch (error) {
    abandon();
    return mode === 'each' ? failAll(tasks, error) : null;
  }
  try {
    connection.run('COMMIT');
    connection.dictionary.commit();
    return outcomes;
  } catch (error) {
    // A commit that failed is never acknowledged and never tried again: its writers hear why.
    abandon();
    return failAll(tasks, error);
  }
}

function abandon(): void {
  if (connection.inTransaction) connection.run('ROLLBACK');
  connection.dictionary.rollback();
}

function failAll(tasks: readonly Task[], error: unknown): Outcome[] {
  const record = toRecord(error);
  return tasks.map(([id]) => [id, false, record]);
}

async function inSavepoint(task: Task, shared: boolean): Promise<Outcome> {
  if (shared) connection.run('SAVEPOINT one');
  try {
    const value = await runTask(task);
    if (shared) connection.run('RELEASE one');
    return [task[0], true, value];
  } catch (error) {
    // A full disk may have ended the whole transaction: then nobody's write stands.
    if (!connection.inTransaction || !shared) throw error;
    connection.run('ROLLBACK TO one');
    connection.run('RELEASE one');
    // Forgets more than it must (keys of earlier tasks of this batch): they are read again.
    connection.dictionary.rollback();
    return [task[0], false, toRecord(error)];
  }
}

async function readEach(tasks: readonly Task[]): Promise<void> {
  for (const task of tasks) {
    let outcome: Outcome;
    connection.run('BEGIN');
    try {
      outcome = [task[0], true, await runTask(task)];
    } catch (error) {
      outcome = [task[0], false, toRecord(error)];
    }
    connection.run('ROLLBACK');
    connection.dictionary.commit();
    port.postMessage([outcome]);
  }
}

let waiting: Task[] = [];
let busy = false;

async function drain(): Promise<void> {
  busy = true;
  while (waiting.length > 0) {
    const tasks = waiting;
    waiting = [];
    if (setup.role === 'writer') port.postMessage(await commitTogether(tasks));
    else await readEach(tasks);
    // Let the messages that arrived during the commit in, so that they share the next one.
    await new Promise(setImmediate);
  }
  busy = false;
}

port.on('message', (message: readonly Task[] | 'close') => {
  if (message === 'close') {
    connection.close();
    port.close();
    return;
  }
  for (const task of message) waiting.push(task);
  if (!busy) void drain();
});
port.postMessage('ready');
