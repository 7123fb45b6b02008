import { createClient } from '../../src/client/index.ts';
import type { ImageController } from '../http/image-controller.ts';
import { serveImage } from '../http/serve-image.ts';
import { cli, type CliRun } from './run.ts';

export type PopulatedCluster = {
  readonly url: string;
  readonly controller: ImageController;
  /** Runs a command line against it; what it shows does not depend on the port. */
  readonly run: (...args: readonly string[]) => Promise<CliRun>;
};

/** A server of the real operations with three brokers and a topic, until the test ends. */
export async function servePopulated(): Promise<PopulatedCluster> {
  const { url, controller } = await serveImage();
  await populate(url);
  const steady = (text: string): string => text.replaceAll(url, 'http://127.0.0.1:NNNNN');
  return {
    url,
    controller,
    run: async (...args) => {
      const done = await cli([...args, '--endpoints', url]);
      return { ...done, out: steady(done.out), err: steady(done.err) };
    },
  };
}

/** Three brokers with fixed incarnations, of which the third stays fenced. */
async function populate(url: string): Promise<void> {
  const client = createClient({ endpoints: [url] });
  const { clusterId } = await client.getCluster();
  for (const id of [1, 2, 3]) {
    const { brokerEpoch } = await client.registerBroker(
      {
        brokerId: id,
        clusterId: clusterId ?? '',
        incarnationId: `AAAAAAAAAAAAAAAAAAAA${id}Q`,
        rack: id === 3 ? null : `rack-${id}`,
        listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9091 + id }],
        features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 1 }],
      },
      { exactlyOnce: false },
    );
    const wantFence = id === 3;
    await client.heartbeatBroker({ brokerId: id, brokerEpoch, metadataOffset: brokerEpoch + 1, wantFence });
  }
  await client.createTopic(
    {
      name: 'orders',
      assignments: [
        [1, 2],
        [2, 1],
        [2, 3],
      ],
    },
    { exactlyOnce: false },
  );
  await client.close();
}
