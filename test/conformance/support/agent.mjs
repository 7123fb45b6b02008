// A broker's agent as a process of its own, for the command: everything towards the controllers, and no records. With
// `abrupt` it goes without leaving.
import { createBroker } from 'ottla/client';

const [id = '', controllers = '', manner = ''] = process.argv.slice(2);
const broker = createBroker({
  controllers: controllers.split(','),
  id: Number(id),
  listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }],
});
process.once('SIGTERM', () => void broker.close(manner === 'abrupt' ? { timeoutMs: 0 } : {}));
await broker.stopped;
