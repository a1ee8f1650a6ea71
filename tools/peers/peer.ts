import { connect } from 'node:net';

/** A running store of another make. */
export interface Peer {
  /** An artifact destination in it, empty and this peer's own. */
  readonly uri: string;
  /** What a server or client of ours or MLflow's needs in its environment to reach it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** True when something accepts connections there. */
export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
