#!/usr/bin/env -S UV_THREADPOOL_SIZE=16 node
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runCli } from './cli/main.ts';
import { createTerminal } from './cli/output/terminal.ts';
import { screenDevice } from './cli/screen/screen.ts';
import { readVersion } from './server/version.ts';

// The pool serves every file operation; the variable is read when the pool starts, so it stands in the first
// line, before Node itself. `ottla dev` gives it to its children in the same way.

process.exitCode = await runCli(process.argv.slice(2), {
  // Loaded when they are needed: most commands only ask a running controller.
  startServer: async (config) => (await import('./server/start-server.ts')).startServer(config),
  startBroker: async (config) => (await import('./server/broker-process.ts')).startBrokerProcess(config),
  readLines: () => createInterface({ input: process.stdin }),
  readLogDirectory: async (dataDir, request) =>
    (await import('./server/read-log-directory.ts')).readLogDirectory(dataDir, request),
  inspectStorage: async (dataDir) => (await import('./server/inspect-storage.ts')).inspectStorage(dataDir),
  resolveServerSettings: async (given) => (await import('./server/settings.ts')).effectiveSettings(given),
  requestAdministrator: async (dataDir, secretHash) =>
    (await import('./server/administrators.ts')).requestAdministrator(dataDir, secretHash),
  terminal: createTerminal({ stdout: process.stdout, stderr: process.stderr }, process.env),
  screen: screenDevice(process.stdin, process.stdout, process.env),
  environment: process.env,
  version: readVersion(),
  entryFile: fileURLToPath(import.meta.url),
});
