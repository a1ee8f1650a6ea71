import type { ServerOptions } from '@millrace/server';
import { Command, Option } from 'commander';

const SAME_SIGNAL_MS = 1_000;

/** `millrace server`: options as `mlflow server` users know them. */
export const serverCommand = (): Command =>
  new Command('server')
    .description('serve the API and the UI')
    .option('-h, --host <host>', 'address to listen on (default 127.0.0.1)')
    .option('-p, --port <port>', 'port to listen on (default 5000)')
    .option('--data-dir <folder>', 'folder of the embedded database and artifacts (default .millrace)')
    .option('--backend-store-uri <uri>', 'sqlite:///<file> or postgresql://<user>:<password>@<host>/<database>')
    .option('--artifacts-destination <uri>', 'folder, s3://, wasbs://, gs:// or sftp:// that proxied artifacts go to')
    .option(
      '--default-artifact-root <uri>',
      'where new experiments keep their artifacts (default: through this server)',
    )
    .option('--serve-artifacts', 'take artifacts and hand them out (the default)')
    .option('--no-serve-artifacts', 'do not take and hand out artifacts; clients use the store themselves')
    .option('--allowed-hosts <hosts>', 'further Host names that requests may use, separated by commas')
    .option('--cors-allowed-origins <origins>', 'further origins that browsers may write from, separated by commas')
    .option('--allow-unauthenticated', 'listen on an address that others reach, without asking who they are')
    .option('--log-level <level>', 'silent, error, warn, info or debug (default warn)')
    .addOption(new Option('-w, --workers <count>', 'for scripts that say it: one process serves').hideHelp())
    .addOption(new Option('--dev', 'leave the page to a development server').hideHelp())
    .helpOption('--help')
    .action(serve);

async function serve(options: ServerOptions): Promise<void> {
  const { readConfig, startServer } = await import('@millrace/server');
  const config = readConfig(options, process.env);
  const server = await startServer(config, (error) => {
    console.error('millrace: the database thread ended:', error);
    process.exit(1);
  });
  console.log(`Millrace is at ${server.url}`);
  console.log(`Data is in ${config.dataDir}. Log to it with: export MLFLOW_TRACKING_URI=${server.url}`);
  console.log(
    config.allowUnauthenticated
      ? 'Open to everyone who can reach this address.'
      : 'Open to everyone on this machine; nobody else can reach it.',
  );

  let stoppingSince = 0;
  const stop = () => {
    if (stoppingSince > 0) {
      // npm passes a Ctrl-C on that the terminal has sent already; one that comes later does not want to wait.
      if (Date.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    stoppingSince = Date.now();
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', stop);
}
