// A broker's agent by itself, a real process that registers and lives as a broker does and stores nothing: what is
// measured with it is the controllers' doing alone.
import { createBroker } from '../../dist/src/client/index.js';

const [id = '', port = '', rack = '', controllers = ''] = process.argv.slice(2);
const broker = createBroker({
  controllers: controllers.split(','),
  id: Number(id),
  listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: Number(port) }],
  rack,
  // Several times in Kafka's interval, so that leaving does not wait for the others' next heartbeat.
  heartbeatIntervalMs: 500,
});
const closeTimeoutMs = 4_000;
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => void broker.close({ timeoutMs: closeTimeoutMs }));
}
broker.subscribe((event) => process.stderr.write(`${event.type} ${event.reason ?? ''}\n`));
const end = await broker.stopped;
if (end.failure !== null) {
  process.stderr.write(`${end.failure.message}\n`);
  process.exitCode = 1;
}
