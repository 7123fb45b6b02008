// Ends with 0 when the controller in this container answers /livez. OTTLA_LIVEZ names another address than the usual one.

import { get as getInClear } from 'node:http';
import { get as getByTls } from 'node:https';

const url = new URL(process.env.OTTLA_LIVEZ ?? 'http://127.0.0.1:9644/livez');
// It asks itself, over loopback: the name in the certificate is that of the machine.
const options = { timeout: 4_000, rejectUnauthorized: false };
const get = url.protocol === 'https:' ? getByTls : getInClear;

const request = get(url, options, (response) => {
  response.resume();
  process.exitCode = response.statusCode === 200 ? 0 : 1;
});
request.on('timeout', () => request.destroy(new Error('no answer in time')));
request.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
