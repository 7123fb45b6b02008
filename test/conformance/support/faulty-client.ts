import { randomBytes } from 'node:crypto';
import { uuidFromBytes } from '../../../src/base/uuid.ts';
import { type Client, OttlaError } from '../../../src/client/index.ts';
import type { CallOptions } from '../../../src/client/typed.ts';
import type { ControlFault } from './control-faults.ts';

type RegisterInput = Parameters<Client['registerBroker']>[0];
type HeartbeatInput = Parameters<Client['heartbeatBroker']>[0];
export type HeartbeatAnswer = Awaited<ReturnType<Client['heartbeatBroker']>>;

/** Longer than any test: it is not waited for that long. */
const foreverMs = 30_000;

/** What the broker's own part learns of its heartbeats. */
export type Heard = {
  readonly acknowledged: (answer: HeartbeatAnswer, sentAtMs: number) => void;
  readonly lost: () => void;
};

/** The client of a broker's agent, in which what a faulty broker asks and hears is another thing. */
export function withFaults(client: Client, faults: ReadonlySet<string>, heard: Heard): Client {
  const has = (fault: ControlFault): boolean => faults.has(fault);
  let registrations = 0;
  let otherId: number | null = null;
  let sessionTimeoutMs = 1_000;
  let before: Promise<unknown> = Promise.resolve();

  const registerBroker = async (input: RegisterInput, options?: CallOptions) => {
    registrations += 1;
    const isNew = registrations > 1 && has('draws an incarnation id for each registration');
    const changed = {
      ...input,
      ...(isNew ? { incarnationId: uuidFromBytes(randomBytes(16)) } : {}),
      ...(otherId === null ? {} : { brokerId: otherId }),
    };
    try {
      return await client.registerBroker(changed, options);
    } catch (error) {
      const code = error instanceof OttlaError ? error.code : '';
      if (code === 'DUPLICATE_BROKER_REGISTRATION' && has('takes another id where its own is in use')) {
        otherId = input.brokerId + 100;
      }
      if (code === 'INCONSISTENT_CLUSTER_ID' && has('goes on after INCONSISTENT_CLUSTER_ID')) {
        throw new Error('it takes this for an answer that did not come', { cause: error });
      }
      throw error;
    }
  };

  const send = async (input: HeartbeatInput, options?: CallOptions): Promise<HeartbeatAnswer> => {
    const sentAtMs = performance.now();
    try {
      const answer = await client.heartbeatBroker(input, options);
      ({ sessionTimeoutMs } = answer);
      heard.acknowledged(answer, sentAtMs);
      return answer;
    } catch (error) {
      const isStale = error instanceof OttlaError && error.code === 'STALE_BROKER_EPOCH';
      if (isStale) heard.lost();
      if (!isStale || !has('goes on under an epoch that is stale')) throw error;
      return { isCaughtUp: true, isFenced: false, shouldShutDown: false, sessionTimeoutMs };
    }
  };

  const heartbeatBroker = async (input: HeartbeatInput, options?: CallOptions): Promise<HeartbeatAnswer> => {
    const changed = {
      ...input,
      ...(otherId === null ? {} : { brokerId: otherId }),
      ...(has('names metadata offsets that others have told it') ? { metadataOffset: client.offset } : {}),
    };
    if (has('sends heartbeats seldom')) await pause(sessionTimeoutMs * 0.65);
    if (!has('waits for ever for the answer to a heartbeat')) return await send(changed, options);
    await before;
    const sent = send(changed, { timeoutMs: foreverMs, attemptsMax: 1 });
    before = sent.catch(() => null);
    return await sent;
  };

  return new Proxy(client, {
    get: (target, name) => {
      if (name === 'registerBroker') return registerBroker;
      if (name === 'heartbeatBroker') return heartbeatBroker;
      return Reflect.get(target, name, target) as unknown;
    },
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
