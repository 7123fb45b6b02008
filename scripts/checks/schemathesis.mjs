// `node scripts/checks/schemathesis.mjs`: lets schemathesis (PyPI) ask a controller whatever its own /openapi.json
// allows, and much that it does not, and fails for an answer that does not stand there: a server's error other than 503
// and 504, a status, content type, header or body that is not described, or none within 40 s.
//
// It installs the tool into a folder of its own, which it removes again. Exit code 0: shown; 1: broken; 77: Python,
// pip or the network is missing. It ends by itself: no request is made after --seconds (200 unless given), and
// whatever hangs is ended a minute and a half later.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endDescendantsOnSignal } from '../descendants.mjs';
import { ensure, fail, Refusal, root } from '../ensure.mjs';

const skippedExitCode = 77;
/** What this version asks with the fixed seed is the same today and in a year. */
const requirement = 'schemathesis==4.32.5';
const secondsDefault = '200';
const graceMs = 90_000;
const installMs = 300_000;
const startMs = 30_000;
const requestTimeoutSeconds = 40;
/** Fewer show nothing: a description that cannot be read has no operations. */
const requestsMin = 100;

/** An offset that is not there yet is waited for: nobody should wait for as long as the schema allows. */
const configuration = `[parameters]
timeout_ms = 100

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503, 504]
`;

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];

class Missing extends Error {}

function must(what, command, args, timeout) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout });
  if (status !== 0) throw new Missing(error === undefined ? what : `${what} (${error.message})`);
}

/** The program, in an environment of its own. */
function install(folder) {
  const environment = join(folder, 'environment');
  must('Python 3 with venv is missing', 'python3', ['-m', 'venv', environment], installMs);
  const pip = join(environment, 'bin', 'pip');
  must('schemathesis cannot be installed by pip', pip, ['install', '--quiet', requirement], installMs);
  return join(environment, 'bin', 'schemathesis');
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function startController(folder) {
  const [http, peers] = [await freePort(), await freePort()];
  const place = `127.0.0.1:${peers}`;
  const dataDir = join(folder, 'data');
  const identity = ['--node-id', '0', '--data-dir', dataDir, '--voters', `0@${place}`];
  const addresses = ['--http', `127.0.0.1:${http}`, '--peers', place, '--insecure'];
  const main = join(root, 'dist', 'src', 'main.js');
  const child = spawn(process.execPath, [main, 'server', 'start', ...identity, ...addresses], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${http}`;
  try {
    await waitUntilReady(url, child);
  } catch (error) {
    child.kill();
    throw error;
  }
  return { url, child };
}

async function waitUntilReady(url, child) {
  for (const endMs = Date.now() + startMs; Date.now() < endMs; ) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Refusal('the controller is not ready.');
}

/** How many requests the controller has counted. */
async function requestsOf(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = [...text.matchAll(/^ottla_http_request_duration_seconds_count(?:\{[^}]*\})? (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

/**
 * The controller's description of itself, as a file, without Idempotency-Key: the key of the examples belongs to a
 * session that nobody has opened, so that every write under it would be refused before it is looked at.
 */
async function saveDescription(url, folder) {
  const description = await (await fetch(`${url}/openapi.json`)).json();
  const key = '#/components/parameters/idempotencyKey';
  for (const operation of Object.values(description.paths).flatMap(Object.values)) {
    if (Array.isArray(operation.parameters))
      operation.parameters = operation.parameters.filter(({ $ref }) => $ref !== key);
  }
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(description));
  return file;
}

/** Asks, and gives the exit code; what the tool prints is seen as it is printed. */
async function run(program, folder, { url, seconds }) {
  const settings = join(folder, 'schemathesis.toml');
  writeFileSync(settings, configuration);
  const what = ['--phases', 'examples,coverage,fuzzing', '--seed', '1', '--max-examples', '200'];
  // Streams do not end; `test/http/watch.test.ts` reads them.
  const which = ['--exclude-operation-id', 'watch', '--checks', checks.join(',')];
  const limits = ['--max-time', String(seconds), '--request-timeout', String(requestTimeoutSeconds)];
  // One worker: in threads, Python 3.11 fails to look at the generators' sources.
  const how = ['--no-shrink', '--continue-on-failure', '--workers', '1'];
  const args = ['--config-file', settings, 'run', await saveDescription(url, folder), '--url', url];
  const timeout = seconds * 1_000 + graceMs;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, ...what, ...which, ...limits, ...how], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout,
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== null) reject(new Refusal(`schemathesis did not end within ${timeout} ms.`));
      else resolve(code);
    });
  });
}

async function check(folder, seconds) {
  const program = install(folder);
  await ensure();
  const { url, child } = await startController(folder);
  try {
    const code = await run(program, folder, { url, seconds });
    // Of a controller that has come through all of it.
    const asked = await requestsOf(url);
    console.log(`the controller has answered ${asked} requests; schemathesis ended with ${code}`);
    if (asked < requestsMin) throw new Refusal(`fewer than ${requestsMin} requests show nothing.`);
    if (code !== 0) {
      const hint =
        'each failure above ends in a curl command; send it to `ottla dev` and see what the node logs';
      console.log(`broken: ${hint}`);
      process.exitCode = 1;
    }
  } finally {
    child.kill();
    await new Promise((resolve) => (child.exitCode === null ? child.once('close', resolve) : resolve()));
  }
}

function secondsGiven() {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: secondsDefault } } });
  if (!/^[1-9][0-9]{0,3}$/.test(values.seconds))
    throw new Refusal('--seconds wants a number from 1 to 9999.');
  return Number(values.seconds);
}

endDescendantsOnSignal();
const folder = mkdtempSync(join(tmpdir(), 'ottla-schemathesis-'));
try {
  await check(folder, secondsGiven());
} catch (error) {
  if (error instanceof Missing) {
    console.log(`left out: ${error.message}`);
    process.exitCode = skippedExitCode;
  } else fail(error);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
